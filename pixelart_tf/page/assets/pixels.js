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

  return {
    rounded, rowsOf, fitted, opaqueCells, padded, tensorOf, cellsOf, seen, withoutLone, crisp, means,
  };
})();
