// Palettes, as `pixelize` has them: what is measured against its output. No access to the page from here.
"use strict";
const Palettes = (() => {
  const { rounded } = Pixels;
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

  // A palette in the mean hues that the picture has in the cells of each entry (`true_colors._true_hues`).
  function trueHues(colors, index, opaque, meant) {
    const COLORED = 0.02, sums = colors.map(() => [0, 0, 0]);   // of a, of b, and of cells
    opaque.forEach((is, i) => {
      if (!is) return;
      const [, a, b] = oklab(meant.subarray(3 * i, 3 * i + 3)), own = sums[index[i]];
      own[0] += a; own[1] += b; own[2] += 1;
    });
    return colors.map((rgb, n) => {
      const [light, ...own] = oklab(rgb), [a, b, count] = sums[n];
      const drawn = Math.hypot(...own), seen = Math.hypot(a, b) / Math.max(count, 1);
      if (drawn < COLORED || seen < COLORED) return rgb;
      return bytesOf([light, ...[a, b].map((sum) => sum / count * drawn / seen)]);
    });
  }

  // A palette moved so that blocks of cells keep the picture's mean colors (`true_colors.true_colors`).
  function trueColors(colors, index, { rows, columns, opaque }, meant) {
    const BLOCK = 4, TRUE = 2, MOST = 12, OTHER = 10, HOLD = 0.5;
    const moved = trueHues(colors, index, opaque, meant), cells = colors.map(() => []);
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

  return { palette, entries, trueColors, painted };
})();
