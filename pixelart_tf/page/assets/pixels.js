// Pictures and colors, as `pixelize` has them: what is measured against its output. No access to the page from here.
"use strict";
const Pixels = (() => {
  // Where `count` cells that share `length` pixels begin and end (`cells.edges`).
  const edges = (length, count) => Array.from({ length: count + 1 }, (_, i) =>
    Math.floor((2 * i * length + count) / (2 * count)));
  // Halves to the even number, as Python rounds.
  const rounded = (value) => {
    const floor = Math.floor(value), rest = value - floor;
    return rest > 0.5 || (rest === 0.5 && floor % 2) ? floor + 1 : floor;
  };
  const rowsOf = (height, width, columns) => Math.max(1, Math.min(height, rounded(height * columns / width)));

  // What each of `length` pixels gives to each of `count` (`areas._weights`): the share of the area that both have in
  // common, or linear between the middles of pixels.
  function weights(length, count) {
    return Array.from({ length: count }, (_, i) => {
      if (count > length) {
        const middle = Math.min(Math.max((i + 0.5) * length / count - 0.5, 0), length - 1), below = Math.floor(middle);
        return { first: below, shares: below + 1 < length ? [1 - (middle - below), middle - below] : [1] };
      }
      const start = i * length / count, end = (i + 1) * length / count, first = Math.floor(start), shares = [];
      for (let p = first; p < Math.min(Math.ceil(end - 1e-9), length); p++) {
        shares.push((Math.min(end, p + 1) - Math.max(start, p)) * count / length);
      }
      return { first, shares };
    });
  }

  // RGBA bytes -> Float32Array (height, width, 4): colors weighted by alpha, and alpha of 0 to 1 (`areas.resized`).
  function resized(data, size, wanted) {
    const [rows, columns] = size, [height, width] = wanted;
    const down = weights(rows, height), across = weights(columns, width);
    const line = new Float64Array(columns * 4), made = new Float32Array(height * width * 4);
    for (let y = 0; y < height; y++) {
      line.fill(0);
      down[y].shares.forEach((share, n) => {
        const start = (down[y].first + n) * columns * 4;
        for (let x = 0; x < columns; x++) {
          const at = start + 4 * x, alpha = data[at + 3] / 255 * share;
          for (let c = 0; c < 3; c++) line[4 * x + c] += data[at + c] * alpha;
          line[4 * x + 3] += alpha;
        }
      });
      for (let x = 0; x < width; x++) {
        across[x].shares.forEach((share, n) => {
          const at = 4 * (across[x].first + n);
          for (let c = 0; c < 4; c++) made[4 * (y * width + x) + c] += share * line[at + c];
        });
      }
    }
    return made;
  }

  // Which pixel of those that `solid` names is nearest to each: by columns, then along each row.
  function nearestSolid(solid, height, width) {
    const above = new Int32Array(height * width).fill(-1), found = new Int32Array(height * width);
    for (let x = 0; x < width; x++) {
      for (const [from, to, step] of [[0, height, 1], [height - 1, -1, -1]]) {
        for (let y = from, last = -1; y !== to; y += step) {
          if (solid[y * width + x]) last = y;
          const known = above[y * width + x];
          if (last >= 0 && (known < 0 || Math.abs(last - y) < Math.abs(known - y))) above[y * width + x] = last;
        }
      }
    }
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      let best = -1, least = Infinity;
      for (let d = 0; d < width && d * d < least; d++) for (const other of d ? [x - d, x + d] : [x]) {
        if (other < 0 || other >= width) continue;
        const row = above[y * width + other];
        const distance = row < 0 ? Infinity : d * d + (row - y) ** 2;
        if (distance < least) { least = distance; best = row * width + other; }
      }
      found[y * width + x] = best;
    }
    return found;
  }

  // RGBA bytes -> RGB bytes of another size, what is transparent in the nearest edge's color (`fitting.fit`).
  function fitted(data, size, wanted) {
    const [height, width] = wanted, count = height * width, values = resized(data, size, wanted);
    const made = new Uint8ClampedArray(count * 3);
    let most = 0, least = 1;
    for (let i = 0; i < count; i++) { most = Math.max(most, values[4 * i + 3]); least = Math.min(least, values[4 * i + 3]); }
    if (most === 0) return made.fill(255);
    const solid = Uint8Array.from({ length: count }, (_, i) => values[4 * i + 3] >= Math.min(0.5, most));
    const ground = least < 1 - 1e-6 ? nearestSolid(solid, height, width) : null;
    for (let i = 0; i < count; i++) for (let c = 0; c < 3; c++) {
      const alpha = values[4 * i + 3];
      const behind = ground ? values[4 * ground[i] + c] / Math.max(values[4 * ground[i] + 3], 1e-6) : 0;
      made[3 * i + c] = rounded(values[4 * i + c] + (ground ? (1 - alpha) * behind : 0));
    }
    return made;
  }

  // Which cells have a mean alpha of 128 at least: Uint8Array (rows * columns).
  function opaqueCells(data, [height, width], rows, columns) {
    const ys = edges(height, rows), xs = edges(width, columns), made = new Uint8Array(rows * columns);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let y = ys[r]; y < ys[r + 1]; y++) for (let x = xs[c]; x < xs[c + 1]; x++) sum += data[4 * (y * width + x) + 3];
      made[r * columns + c] = sum >= 128 * (ys[r + 1] - ys[r]) * (xs[c + 1] - xs[c]);
    }
    return made;
  }

  // What a side of a picture is padded to for the network (`tiling.Axis.padded`).
  function padded(side, { tile, stride }) {
    if (!stride) return tile;
    if (side % stride === 0 && side >= 4 * stride) return side;
    const step = Math.ceil(32 / stride) * stride;
    return Math.min(tile, Math.max(Math.ceil(side / step) * step, 4 * stride));
  }
  // RGB bytes -> what the network takes, Float32Array (height, width, 3) in [-1, 1]; what is padded is a reflection.
  function tensorOf(rgb, [height, width], [tall, wide]) {
    const back = (i, side) => {
      if (side === 1) return 0;
      const period = 2 * side - 2, at = i % period;
      return Math.min(at, period - at);
    };
    const made = new Float32Array(tall * wide * 3);
    for (let y = 0; y < tall; y++) for (let x = 0; x < wide; x++) for (let c = 0; c < 3; c++) {
      made[3 * (y * wide + x) + c] = rgb[3 * (back(y, height) * width + back(x, width)) + c] / 127.5 - 1;
    }
    return made;
  }
  // What it makes, (tall, wide, 3), each cell of `made` pixels -> RGB bytes of the cells.
  function cellsOf(values, wide, { rows, columns }, made) {
    const cells = new Uint8ClampedArray(rows * columns * 3);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) for (let i = 0; i < 3; i++) {
      const value = values[3 * (r * made * wide + c * made) + i];
      cells[3 * (r * columns + c) + i] = rounded((value + 1) * 127.5);
    }
    return cells;
  }
  // The cells, 0 where they are transparent.
  const seen = (cells, { opaque }) => cells.map((value, i) => (opaque[Math.floor(i / 3)] ? value : 0));

  // Lone cells that a network made of texture get their nearest neighbor's color (`lone.without_lone`).
  function withoutLone(cells, rgb, { rows, columns }, size) {
    const LEVELS = 16, TIMES = 2, EVEN = 6, NEAR = 2, PASSES = 2, count = rows * columns, channels = [0, 1, 2];
    const means = new Float64Array(3 * count), even = new Uint8Array(count).fill(1);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) for (const i of channels) {
      let sum = 0, most = 0, least = 255;
      for (let y = r * size; y < (r + 1) * size; y++) for (let x = c * size; x < (c + 1) * size; x++) {
        const value = rgb[3 * (y * columns * size + x) + i];
        sum += value; most = Math.max(most, value); least = Math.min(least, value);
      }
      means[3 * (r * columns + c) + i] = sum / size ** 2;
      if (most - least >= EVEN) even[r * columns + c] = 0;
    }
    const mirrored = (k, n) => (n === 1 ? 0 : k < 0 ? 1 : k >= n ? n - 2 : k);
    // The nearest of the four neighbors in color, and how far it is.
    function nearest(of, r, c) {
      let best = null;
      for (const [y, x] of [[r - 1, c], [r + 1, c], [r, c - 1], [r, c + 1]]) {
        const place = 3 * (mirrored(y, rows) * columns + mirrored(x, columns));
        const distance = Math.max(...channels.map((i) => Math.abs(of[3 * (r * columns + c) + i] - of[place + i])));
        if (!best || distance < best.distance) best = { place, distance };
      }
      return best;
    }
    const isTexture = (r, c) => {
      for (let y = Math.max(r - NEAR, 0); y <= Math.min(r + NEAR, rows - 1); y++) {
        for (let x = Math.max(c - NEAR, 0); x <= Math.min(c + NEAR, columns - 1); x++) if (even[y * columns + x]) return false;
      }
      return true;
    };
    for (let pass = 0; pass < PASSES; pass++) {
      const made = cells.slice();
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
        const { place, distance } = nearest(cells, r, c);
        if (distance > LEVELS && distance > TIMES * nearest(means, r, c).distance && isTexture(r, c)) {
          made.set(cells.slice(place, place + 3), 3 * (r * columns + c));
        }
      }
      cells = made;
    }
    return cells;
  }

  // Mixtures of the two cells beside them, or above and below, get the nearer one's color (`crisp.crisp`).
  function crisp(cells, { rows, columns, opaque }) {
    const STEP = 32, BESIDE = 8, PASSES = 2, channels = [0, 1, 2];
    const at = (axis, r, c, k) => (axis ? r * columns + k : k * columns + c);
    // The color at place k of a row or column; beyond the picture that of its border.
    function color(axis, r, c, k) {
      const place = 3 * at(axis, r, c, Math.min(Math.max(k, 0), (axis ? columns : rows) - 1));
      return [cells[place], cells[place + 1], cells[place + 2]];
    }
    const most = (p, q) => Math.max(...channels.map((i) => Math.abs(p[i] - q[i])));
    // Where the cell goes along an axis, and how far that is; null where it stays.
    function move(axis, r, c) {
      const k = axis ? c : r, last = (axis ? columns : rows) - 1;
      if (k < 1 || k >= last || !opaque[at(axis, r, c, k - 1)] || !opaque[at(axis, r, c, k + 1)]) return null;
      const middle = color(axis, r, c, k), ends = [color(axis, r, c, k - 1), color(axis, r, c, k + 1)];
      const inside = channels.every((i) => middle[i] >= Math.min(ends[0][i], ends[1][i]) - BESIDE
        && middle[i] <= Math.max(ends[0][i], ends[1][i]) + BESIDE);
      if (!inside || most(...ends) < STEP) return null;
      const by = most(middle, ends[0]) <= most(middle, ends[1]) ? -1 : 1, near = ends[by < 0 ? 0 : 1];
      const beyond = color(axis, r, c, k + 2 * by);
      const sum = (of) => channels.reduce((total, i) => total + of(i), 0);
      const isShade = 2 * sum((i) => (near[i] - beyond[i]) * (middle[i] - near[i])) > sum((i) => (middle[i] - near[i]) ** 2);
      return isShade ? null : { near, distance: most(middle, near) };
    }
    for (let pass = 0; pass < PASSES; pass++) {
      const made = cells.slice();
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
        if (!opaque[r * columns + c]) continue;
        const [across, down] = [move(1, r, c), move(0, r, c)];
        const best = across && !(down && down.distance < across.distance) ? across : down;
        if (best) made.set(best.near, 3 * (r * columns + c));
      }
      cells = made;
    }
    return cells;
  }

  // sRGB bytes -> OKLab (Ottosson 2020).
  const linear = Float64Array.from({ length: 256 }, (_, v) =>
    (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  function oklab([red, green, blue]) {
    const r = linear[red], g = linear[green], b = linear[blue];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s];
  }
  function bytesOf([light, a, b]) {
    const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3, m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3;
    return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s].map((v) => {
      const clipped = Math.min(1, Math.max(0, v));
      return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
    });
  }
  const apart = (p, q) => (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2;
  function nearest(point, codes) {
    let best = 0, least = Infinity;
    codes.forEach((code, i) => { const d = apart(point, code); if (d < least) { least = d; best = i; } });
    return best;
  }
  const mean = (group) => {
    const weight = group.reduce((sum, each) => sum + each.count, 0);
    return [0, 1, 2].map((axis) => group.reduce((sum, each) => sum + each.count * each.point[axis], 0) / weight);
  };

  // At most k colors that stand best for the opaque cells: k-means in OKLab, begun by splitting the group of the greatest
  // spread along its widest axis again and again. An entry most of whose weight is one color is that color.
  function palette(cells, opaque, k) {
    const counts = new Map();
    opaque.forEach((is, i) => {
      if (!is) return;
      const key = cells[3 * i] << 16 | cells[3 * i + 1] << 8 | cells[3 * i + 2];
      counts.set(key, (counts.get(key) || 0) + 1);
    });
    const points = [...counts].map(([key, count]) => {
      const rgb = [key >> 16, key >> 8 & 255, key & 255];
      return { rgb, count, point: oklab(rgb) };
    });
    if (!points.length) return [[0, 0, 0]];
    const byLight = (colors) => colors.sort((p, q) => oklab(p)[0] - oklab(q)[0]);
    if (points.length <= k) return byLight(points.map((each) => each.rgb));
    const spread = (group) => {
      const middle = mean(group);
      const spreads = [0, 1, 2].map((axis) =>
        group.reduce((sum, each) => sum + each.count * (each.point[axis] - middle[axis]) ** 2, 0));
      const axis = spreads.indexOf(Math.max(...spreads));
      return { group, middle, axis, most: spreads[axis] };
    };
    const groups = [spread(points)];
    while (groups.length < k) {
      groups.sort((p, q) => q.most - p.most);
      const { group, middle, axis } = groups[0];
      const parts = [(each) => each.point[axis] > middle[axis], (each) => each.point[axis] <= middle[axis]];
      const [above, below] = parts.map((part) => group.filter(part));
      if (!above.length || !below.length) break;
      groups.splice(0, 1, spread(above), spread(below));
    }
    let centers = groups.map((each) => each.middle), own = [];
    for (let round = 0; round < 30; round++) {
      own = centers.map(() => []);
      points.forEach((each) => own[nearest(each.point, centers)].push(each));
      const moved = centers.map((center, i) => (own[i].length ? mean(own[i]) : center));
      const is = moved.every((center, i) => apart(center, centers[i]) < 1e-10);
      centers = moved;
      if (is) break;
    }
    const found = centers.filter((_, i) => own[i].length).map(bytesOf);
    own.filter((group) => group.length).forEach((group, i) => {
      const main = group.reduce((p, q) => (q.count > p.count ? q : p));
      if (2 * main.count > group.reduce((sum, each) => sum + each.count, 0)) found[i] = main.rgb;
    });
    return byLight([...new Map(found.map((rgb) => [rgb.join(), rgb])).values()]);
  }

  // Which entry of a palette is nearest to each cell: Uint8Array (rows * columns), 0 where it is transparent.
  function entries(cells, opaque, colors) {
    const codes = colors.map(oklab), made = new Uint8Array(opaque.length), known = new Map();
    opaque.forEach((is, i) => {
      if (!is) return;
      const rgb = [cells[3 * i], cells[3 * i + 1], cells[3 * i + 2]], key = rgb.join();
      if (!known.has(key)) known.set(key, nearest(oklab(rgb), codes));
      made[i] = known.get(key);
    });
    return made;
  }

  // The mean colors of a picture's cells of `size` pixels a side, RGB bytes of both.
  function means(fitted, { rows, columns }, size) {
    const made = new Uint8ClampedArray(rows * columns * 3);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) for (let i = 0; i < 3; i++) {
      let sum = 0;
      for (let y = r * size; y < (r + 1) * size; y++) for (let x = c * size; x < (c + 1) * size; x++) {
        sum += fitted[3 * (y * columns * size + x) + i];
      }
      made[3 * (r * columns + c) + i] = rounded(sum / size ** 2);
    }
    return made;
  }

  // Solves a x = b for symmetric, positive definite a and several right sides, by Gauss' elimination.
  function solved(a, b) {
    a.forEach((row, n) => {
      for (let m = n + 1; m < a.length; m++) {
        const factor = a[m][n] / row[n];
        for (let i = n; i < a.length; i++) a[m][i] -= factor * row[i];
        b[n].forEach((value, i) => { b[m][i] -= factor * value; });
      }
    });
    for (let n = a.length - 1; n >= 0; n--) {
      b[n] = b[n].map((value, i) => {
        for (let m = n + 1; m < a.length; m++) value -= a[n][m] * b[m][i];
        return value / a[n][n];
      });
    }
    return b;
  }

  // A palette moved so that blocks of cells keep the picture's mean colors (`true_colors.true_colors`).
  function trueColors(colors, index, { rows, columns, opaque }, meant) {
    const BLOCK = 4, TRUE = 2, MOST = 12, OTHER = 10, HOLD = 0.5;
    const moved = colors.map((rgb) => [...rgb]), cells = colors.map(() => []);
    const off = (i) => moved[index[i]].map((value, c) => meant[3 * i + c] - value);
    const median = (values) => {
      const sorted = values.sort((p, q) => p - q), half = sorted.length >> 1;
      return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    };
    opaque.forEach((is, i) => { if (is) cells[index[i]].push(off(i)); });
    const isTrue = cells.map((errors) => median(errors.map((error) => Math.max(...error.map(Math.abs)))) <= TRUE);
    cells.forEach((errors, n) => {
      if (isTrue[n]) moved[n] = moved[n].map((value, c) => value + rounded(median(errors.map((error) => error[c]))));
    });
    const free = colors.map((_, n) => n).filter((n) => cells[n].length && !isTrue[n]);
    const place = new Map(free.map((n, at) => [n, at]));
    const normal = free.map((n, at) => free.map((_, other) => (other === at ? HOLD * cells[n].length : 0)));
    const right = free.map(() => [0, 0, 0]);
    for (const shift of [0, BLOCK / 2]) {
      const blocks = new Map();
      opaque.forEach((is, i) => {
        if (!is) return;
        const [down, across] = [Math.floor(i / columns), i % columns].map((at) => Math.floor((at + shift) / BLOCK));
        const key = down * (columns + BLOCK) + across;
        if (!blocks.has(key)) blocks.set(key, { size: 0, counts: new Map(), sums: [0, 0, 0] });
        const block = blocks.get(key), at = place.get(index[i]);
        block.size++;
        if (at !== undefined) block.counts.set(at, (block.counts.get(at) || 0) + 1);
        off(i).forEach((value, c) => { block.sums[c] += value; });
      });
      const drift = [...blocks.values()].flatMap(({ sums }) => sums).reduce((sum, value) => sum + Math.abs(value), 0);
      if (shift === 0 && drift > OTHER * 3 * opaque.filter(Boolean).length) return moved;
      for (const { size, counts, sums } of blocks.values()) for (const [at, count] of counts) {
        for (const [other, more] of counts) normal[at][other] += count * more / size / 2;
        sums.forEach((sum, c) => { right[at][c] += count * sum / size / 2; });
      }
    }
    const moves = solved(normal, right);
    free.forEach((n, at) => {
      moved[n] = moved[n].map((value, c) =>
        Math.min(255, Math.max(0, rounded(value + Math.min(MOST, Math.max(-MOST, moves[at][c]))))));
    });
    return moved;
  }

  // Entries and their palette -> RGBA bytes (rows * columns * 4).
  function painted(index, opaque, colors) {
    const made = new Uint8ClampedArray(opaque.length * 4);
    opaque.forEach((is, i) => { if (is) made.set([...colors[index[i]], 255], 4 * i); });
    return made;
  }

  return {
    rowsOf, fitted, opaqueCells, padded, tensorOf, cellsOf, seen, withoutLone, crisp, palette, entries, means, trueColors,
    painted,
  };
})();
