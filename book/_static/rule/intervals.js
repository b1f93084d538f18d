// Intervals of means over seeds, and what they allow to say. As srstudy.score.ci and srstudy.papers.verdicts in Python.
(function (root, make) {
  if (typeof module === 'object') module.exports = make();
  else (root.ownRule = root.ownRule || {}).intervals = make();
})(this, function () {
  'use strict';
  const LEVEL = .05, SAME = 1e-9; // a margin is met by what differs from it by no more than rounding

  function logGamma(x) { // Stirling's series, where it is exact to fifteen digits
    let shift = 0;
    for (; x < 20; x++) shift -= Math.log(x);
    const s = 1 / (x * x);
    return shift + (x - .5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2
      + (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / x;
  }

  // The continued fraction of the incomplete beta function, by the method of Lentz (1976).
  function fraction(a, b, x) {
    const tiny = 1e-300, safe = v => Math.abs(v) < tiny ? tiny : v;
    let c = 1, d = 1 / safe(1 - (a + b) * x / (a + 1)), out = d;
    for (let m = 1; m < 500; m++) {
      const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / safe(1 + even * d); c = safe(1 + even / c); out *= c * d;
      const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / safe(1 + odd * d); c = safe(1 + odd / c); out *= c * d;
      if (Math.abs(c * d - 1) < 1e-15) break;
    }
    return out;
  }

  function betaPart(a, b, x) { // the regularised incomplete beta function
    if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
    const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a : 1 - front * fraction(b, a, 1 - x) / b;
  }

  const beyond = (t, df) => betaPart(df / 2, .5, df / (df + t * t)) / 2; // Student's t, above t

  const known = new Map();
  function tQuantile(q, df) { // q above one half
    const key = q + ' ' + df;
    if (!known.has(key)) {
      let lo = 0, hi = 1;
      while (beyond(hi, df) > 1 - q) hi *= 2;
      for (let i = 0; i < 90; i++) { const at = (lo + hi) / 2; if (beyond(at, df) > 1 - q) lo = at; else hi = at; }
      known.set(key, (lo + hi) / 2);
    }
    return known.get(key);
  }

  let buffer = new Float64Array(1024); // instead of a new one for each of thousands

  // A mean over seeds: blocks by the jackknife, seeds by their spread. Each seed: all scenes, then without each block.
  function mean(each, minus) {
    const k = each.length, b = each[0].length - 1, whole = [];
    if (buffer.length <= b) buffer = new Float64Array(b + 1);
    const at = buffer.fill(0, 0, b + 1);
    for (let s = 0; s < k; s++) {
      const own = each[s], other = minus && minus[s];
      for (let i = 0; i <= b; i++) at[i] += (other ? own[i] - other[i] : own[i]) / k;
      whole.push(other ? own[0] - other[0] : own[0]);
    }
    let left = 0, scenes = 0, seeds = 0;
    for (let i = 1; i <= b; i++) left += at[i] / b;
    for (let i = 1; i <= b; i++) scenes += (at[i] - left) * (at[i] - left);
    for (const v of whole) seeds += (v - at[0]) * (v - at[0]);
    const out = { value: at[0], lo: 0, hi: 0, k, b, scenes: scenes * (b - 1) / b,
      seeds: k > 1 ? seeds / (k - 1) / k : 0 };
    const half = reach(out, .975);
    out.lo = out.value - half; out.hi = out.value + half;
    return out;
  }

  function reach(of, q) {
    const t = n => n > 1 ? tQuantile(q, n - 1) : 0;
    return Math.hypot(t(of.b) * Math.sqrt(of.scenes), t(of.k) * Math.sqrt(of.seeds));
  }

  // Which differences stand when corrected for their number (Holm 1979): those whose wider interval has no zero in it.
  function stands(diffs) {
    let found = -1, out = [];
    for (let now = 0; now > found;) {
      found = now;
      const q = 1 - LEVEL / 2 / Math.max(diffs.length - found, 1);
      out = diffs.map(d => Math.abs(d.value) > reach(d, q));
      now = out.filter(Boolean).length;
    }
    return out;
  }

  function compare(d, margin, lower, stand) { // better, worse, equivalent or undecided
    const m = margin + SAME;
    if (-m <= d.lo && d.hi <= m) return 'equivalent';
    if (Math.abs(d.value) <= m || (d.lo <= 0 && 0 <= d.hi) || !stand) return 'undecided';
    return (d.value > 0) !== lower ? 'better' : 'worse';
  }

  return { tQuantile, mean, reach, stands, compare };
});
