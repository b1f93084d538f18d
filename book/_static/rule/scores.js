// The scores of packed predictions: on all scenes, and on all but those of one block. As srstudy.papers.rule in Python.
(function (root, make) {
  if (typeof module === 'object') module.exports = make();
  else (root.ownRule = root.ownRule || {}).scores = make();
})(this, function () {
  'use strict';
  const STEPS = 50000; // of a probability
  const IMAGES = ['f1', 'acc', 'p', 'r', 'hl', 'oe']; // means over images; the others are of counted labels

  function bytes(text) {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  function words(text) { // two bytes each, the smaller first
    const b = bytes(text), out = new Uint16Array(b.length / 2);
    for (let i = 0; i < out.length; i++) out[i] = b[2 * i] | b[2 * i + 1] << 8;
    return out;
  }

  // What the page has as text, as arrays: steps [run][scene][class], tuned [rule][run][class], targs [scene][class].
  function unpack(raw) {
    const c = raw.classes.length, bits = bytes(raw.targs), n = raw.blocks[10].length;
    const targs = new Uint8Array(n * c), row = {};
    for (let i = 0; i < n * c; i++) targs[i] = bits[i >> 3] >> (7 - (i & 7)) & 1;
    raw.runs.forEach((at, i) => { row[at.join(' ')] = i; });
    const left = {}; // side of a block -> scenes in all, then without each block
    for (const side in raw.blocks) {
      left[side] = new Float64Array(Math.max(...raw.blocks[side]) + 2);
      for (const b of raw.blocks[side]) left[side][b + 1]++;
      leave(left[side], 1);
    }
    // what was computed once and no rule changes is kept: orders, precisions, and ways that are no reader's own
    return Object.assign({}, raw, { n, c, row, targs, left, steps: words(raw.steps), tuned: words(raw.tuned),
      orders: [], precise: {}, shown: {}, ways: new Map() });
  }

  function cuts(data, run, threshold) { // the first step of each class that passes
    const at = Object.keys(data.titles.tuned).indexOf(threshold);
    if (at < 0) return new Uint16Array(data.c).fill(Math.ceil(threshold * STEPS - 1e-6));
    const from = (at * data.runs.length + run) * data.c;
    return data.tuned.subarray(from, from + data.c);
  }

  // Rows of sums, the first for all: afterwards each holds what is left without its block.
  function leave(sums, width) {
    for (let i = width; i < sums.length; i++) sums[i % width] += sums[i];
    for (let i = width; i < sums.length; i++) sums[i] = sums[i % width] - sums[i];
  }

  const ratio = (a, b, zero) => b > 0 ? a / b : zero;

  function shown(data, side) { // true labels of each class: no run changes them
    if (!data.shown[side]) {
      const { n, c, targs } = data, y = data.shown[side] = new Float64Array(data.left[side].length * c);
      for (let i = 0; i < n * c; i++) y[(data.blocks[side][Math.floor(i / c)] + 1) * c + i % c] += targs[i];
      leave(y, c);
    }
    return data.shown[side];
  }

  // Hits, predicted and true labels: of each class without each block, and which labels of which scene.
  function decide(data, run, threshold, side) {
    const { n, c, targs, steps } = data, block = data.blocks[side], from = run * n * c, y = shown(data, side);
    const rows = data.left[side].length, cut = cuts(data, run, threshold), preds = new Uint8Array(n * c);
    const hit = new Float64Array(rows * c), z = new Float64Array(rows * c);
    for (let i = 0, at = 0; i < n; i++) for (let k = 0, to = (block[i] + 1) * c; k < c; k++, at++, to++) {
      if (steps[from + at] < cut[k]) continue;
      preds[at] = 1; z[to]++;
      if (targs[at]) hit[to]++;
    }
    leave(hit, c); leave(z, c);
    return { run, rows, block, left: data.left[side], preds, hit, z, y, sums: {} };
  }

  function kept(data, without) { // classes that are scored
    return Array.from({ length: data.c }, (_, k) => k).filter(k => !without.includes(k));
  }

  function countImages(data, made, skip) {
    const { n, c, targs } = data, { preds } = made;
    if (!made.images) made.images = countLabels(n, c, preds, targs, Array.from({ length: c }, (_, k) => k));
    if (!skip.length) return made.images;
    const of = made.images, off = countLabels(n, c, preds, targs, skip);
    for (let i = 0; i < n; i++) {
      off.both[i] = of.both[i] - off.both[i]; off.z[i] = of.z[i] - off.z[i]; off.y[i] = of.y[i] - off.y[i];
    }
    return off;
  }

  function countLabels(n, c, preds, targs, classes) { // of each image
    const both = new Int32Array(n), z = new Int32Array(n), y = new Int32Array(n);
    for (let i = 0; i < n; i++) for (const k of classes) {
      const p = preds[i * c + k], t = targs[i * c + k];
      both[i] += p & t; z[i] += p; y[i] += t;
    }
    return { both, z, y };
  }

  function firstIsWrong(data, run, i, keep) { // the label that is likeliest
    const at = i * data.c, from = run * data.n * data.c + at;
    let best = keep[0];
    for (const k of keep) if (data.steps[from + k] > data.steps[from + best]) best = k;
    return 1 - data.targs[at + best];
  }

  function imageScore(data, made, metric, of, keep, zero) {
    const out = new Float64Array(made.rows);
    for (let i = 0; i < data.n; i++) {
      const a = of.both[i], z = of.z[i], y = of.y[i];
      const v = metric === 'f1' ? ratio(2 * a, y + z, zero) : metric === 'acc' ? ratio(a, y + z - a, zero)
        : metric === 'p' ? ratio(a, z, zero) : metric === 'r' ? ratio(a, y, zero)
        : metric === 'hl' ? (y + z - 2 * a) / keep.length : firstIsWrong(data, made.run, i, keep);
      out[made.block[i] + 1] += v;
    }
    leave(out, 1);
    for (let i = 0; i < out.length; i++) out[i] /= made.left[i];
    return out;
  }

  // F of each class, summed over classes, and how many of them are 0/0: those left out are taken off, and 0/0 is added.
  function sumClasses(data, made, square, skip) {
    const { hit, z, y, rows } = made, c = data.c;
    if (!made.sums[square]) {
      const f = new Float64Array(rows * c), sum = new Float64Array(rows), none = new Float64Array(rows);
      for (let row = 0, at = 0; row < rows; row++) for (let k = 0; k < c; k++, at++) {
        const over = square * y[at] + z[at];
        if (hit[at]) sum[row] += f[at] = (1 + square) * hit[at] / over; else if (!over) { f[at] = -1; none[row]++; }
      }
      made.sums[square] = { f, sum, none };
    }
    const { f, sum, none } = made.sums[square], left = sum.slice(), empty = none.slice();
    for (let row = 0; row < rows; row++) for (const k of skip) {
      const v = f[row * c + k];
      if (v < 0) empty[row]--; else left[row] -= v;
    }
    return { left, empty };
  }

  function labelScore(data, made, metric, keep, skip, zero) {
    const out = new Float64Array(made.rows), { hit, z, y, rows } = made, c = data.c;
    if (metric !== 'f1_micro') {
      const { left, empty } = sumClasses(data, made, metric === 'f2_macro' ? 4 : 1, skip);
      for (let row = 0; row < rows; row++) out[row] = (left[row] + zero * empty[row]) / keep.length;
      return out;
    }
    if (!made.all) {
      made.all = { hit: new Float64Array(rows), said: new Float64Array(rows) };
      for (let row = 0, at = 0; row < rows; row++) for (let k = 0; k < c; k++, at++) {
        made.all.hit[row] += hit[at]; made.all.said[row] += y[at] + z[at];
      }
    }
    for (let row = 0, at = 0; row < rows; row++, at += c) {
      let a = made.all.hit[row], b = made.all.said[row];
      for (const k of skip) { a -= hit[at + k]; b -= y[at + k] + z[at + k]; }
      out[row] = ratio(2 * a, b, zero);
    }
    return out;
  }

  function order(data, run) { // scenes of each class from the most probable on
    if (data.orders[run]) return data.orders[run];
    const { n, c, steps } = data, out = new Uint16Array(n * c), keys = new Float64Array(n);
    for (let k = 0; k < c; k++) {
      for (let i = 0; i < n; i++) keys[i] = steps[(run * n + i) * c + k] * n + i;
      keys.sort();
      for (let i = 0; i < n; i++) out[k * n + i] = keys[n - 1 - i] % n;
    }
    return data.orders[run] = out;
  }

  // The steps of a class that have hits: how many scenes and hits there are so far, and the step of each scene.
  function hitSteps(data, run, k) {
    const { n, c, steps, targs } = data, from = order(data, run).subarray(k * n, (k + 1) * n), list = [];
    const step = i => steps[(run * n + from[i]) * c + k], group = new Uint16Array(n);
    for (let i = 0, had = 0; i < n;) {
      const here = step(i), before = had, start = i;
      for (; i < n && step(i) === here; i++) had += targs[from[i] * c + k];
      if (had > before) list.push({ seen: i, had, fresh: had - before });
      group.fill(had > before ? 2 * list.length - 1 : 2 * list.length, start, i); // odd: a step with hits
    }
    return { from, list, group };
  }

  // The average precision of a class: at each step that has a hit, hits over scenes so far. Without a block, both are
  // fewer by what of the block has come; as long as none of it comes, sums over steps are differences of prefixes.
  function precisionsOf(data, run, k, block, most, room, out) {
    const { n, c, targs } = data, { from, list, group } = hitSteps(data, run, k), g = list.length;
    const { p, q, sum, gone, hits, upTo, was, seenAt } = room;
    for (let s = 0; s <= most; s++) {
      let at = s * (g + 1), a = p[at] = 0, b = q[at] = 0;
      for (const { seen, had, fresh } of list) {
        const part = seen > s ? fresh / (seen - s) : 0;
        p[++at] = a += part * had; q[at] = b += part;
      }
    }
    sum.fill(0); gone.fill(0); hits.fill(0); upTo.fill(0); seenAt.fill(-1);
    const close = (b, to) => { // add the steps until `to`, in which nothing of the block came
      const at = gone[b] * (g + 1);
      sum[b] += p[at + to] - p[at + upTo[b]] - hits[b] * (q[at + to] - q[at + upTo[b]]);
      upTo[b] = to;
    };
    for (let i = 0, touched = []; i < n; touched = []) {
      const here = group[i], start = i, step = list[here >> 1];
      do {
        const b = block[from[i]] + 1;
        if (seenAt[b] !== start) { seenAt[b] = start; touched.push(b); close(b, here >> 1); was[b] = hits[b]; }
        gone[b]++; hits[b] += targs[from[i] * c + k]; i++;
      } while (here & 1 && i < n && group[i] === here);
      if (here & 1) for (const b of touched) {
        const left = step.fresh - (hits[b] - was[b]);
        if (left) sum[b] += left * (step.had - hits[b]) / (step.seen - gone[b]);
        upTo[b] = (here >> 1) + 1;
      }
    }
    const all = g ? list[g - 1].had : 0;
    out[k] = ratio(p[g], all, 0);
    for (let b = 1; b < sum.length; b++) { close(b, g); out[b * c + k] = ratio(sum[b], all - hits[b], 0); }
  }

  function precisions(data, run, side) { // kept: no rule but the size of a block changes them
    const known = data.precise[side] = data.precise[side] || [];
    if (known[run]) return known[run];
    const block = data.blocks[side], rows = data.left[side].length, out = new Float64Array(rows * data.c);
    const most = data.n - Math.min(...data.left[side].subarray(1)); // scenes of the largest block
    const room = { p: new Float64Array((most + 1) * (data.n + 1)), q: new Float64Array((most + 1) * (data.n + 1)),
      sum: new Float64Array(rows) };
    for (const name of ['gone', 'hits', 'upTo', 'was', 'seenAt']) room[name] = new Int32Array(rows);
    for (let k = 0; k < data.c; k++) precisionsOf(data, run, k, block, most, room, out);
    return known[run] = out;
  }

  function precisionScore(data, run, side, without) {
    const ap = precisions(data, run, side), keep = kept(data, without);
    const out = new Float64Array(ap.length / data.c);
    for (let row = 0; row < out.length; row++) {
      let sum = 0;
      for (const k of keep) sum += ap[row * data.c + k];
      out[row] = sum / keep.length;
    }
    return out;
  }

  // [classes left out][0/0][metric] -> scores of all scenes, then of all but those of each block.
  function scoreRun(data, run, threshold, side, lefts, zeros, metrics) {
    const made = decide(data, run, threshold, side), images = metrics.some(m => IMAGES.includes(m));
    return lefts.map(without => {
      const keep = kept(data, without), of = images && countImages(data, made, without);
      return zeros.map(zero => metrics.map(m =>
        m === 'ap_macro' ? precisionScore(data, run, side, without)
          : IMAGES.includes(m) ? imageScore(data, made, m, of, keep, zero)
          : labelScore(data, made, m, keep, without, zero)));
    });
  }

  return { unpack, scoreRun, precisionScore };
});
