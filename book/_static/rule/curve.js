// The specification curve as SVG: a dot for each world from the worst difference to the best, and below it
// which choices stand where.
(function (root, make) {
  if (typeof module === 'object') module.exports = make();
  else (root.ownRule = root.ownRule || {}).curve = make();
})(this, function () {
  'use strict';
  const HIGH = 230, LINE = 17, TOP = 8, GAP = 14;

  function steps(lo, hi) { // a few round numbers
    const rough = (hi - lo) / 5, ten = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(f => f * ten).find(s => s >= rough), out = [];
    for (let i = Math.ceil(lo / step); i * step <= hi; i++) out.push(i * step);
    return { at: out, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  // For each value of each choice, the share of its worlds in each part of the order.
  function lines(sorted, choices, bins) {
    const whole = new Float64Array(bins), place = i => Math.floor(i * bins / sorted.length);
    sorted.forEach((_, i) => { whole[place(i)]++; });
    return choices.map(({ value, of }) => {
      const count = new Float64Array(bins);
      sorted.forEach((w, i) => { if (of(w) === value) count[place(i)]++; });
      return count.map((v, i) => whole[i] ? v / whole[i] : 0);
    });
  }

  function choicesOf(worlds, titles) { // in the order in which they come
    const of = [w => w.arm, w => w.arch, ...worlds[0].names.map((_, i) => w => w.names[i])];
    return of.flatMap((f, g) => [...new Set(worlds.map(f))].map(value => (
      { value, of: f, group: g, name: titles[value] || value })));
  }

  const spots = list => list.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join('');

  function upper(sorted, axis, left, width) {
    const d = sorted.map(w => w.diff), pad = .06 * (Math.max(...d, 0) - Math.min(...d, 0)) + 1e-6;
    const lo = Math.min(...d, 0) - pad, hi = Math.max(...d, 0) + pad, wide = width - left - 6;
    const x = i => left + (i + .5) / sorted.length * wide;
    const y = v => TOP + (hi - Math.min(hi, Math.max(lo, v))) / (hi - lo) * HIGH;
    const sure = w => w.lo > 0 || w.hi < 0;
    const dot = keep => spots(sorted.flatMap((w, i) => keep(w) ? [[x(i), y(w.diff)]] : []));
    const { at, digits } = steps(lo, hi);
    const ticks = at.map(v => `<text x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${v > 0 ? '+' : ''}`
      + `${v.toFixed(digits)}</text><path class="grid" d="M${left} ${y(v)}H${width - 6}"/>`).join('');
    const reach = sorted.map((w, i) => w.own ? `M${x(i).toFixed(1)} ${y(w.lo).toFixed(1)}V${y(w.hi).toFixed(1)}` : '');
    return `${ticks}<text x="${left + 4}" y="${TOP + 10}">${axis}</text>`
      + `<path class="zero" d="M${left} ${y(0)}H${width - 6}"/>`
      + `<path class="dot open" d="${dot(w => !sure(w))}"/><path class="dot sure" d="${dot(sure)}"/>`
      + `<path class="reach" d="${reach.join('')}"/><path class="dot own" d="${dot(w => w.own)}"/>`;
  }

  function lower(sorted, choices, left, width) {
    const bins = width < 500 ? 30 : 60, wide = (width - left - 6) / bins, from = TOP + HIGH + GAP;
    let out = '', y = from, group = 0;
    lines(sorted, choices, bins).forEach((share, i) => {
      if (choices[i].group !== group) { group = choices[i].group; y += 5; }
      const most = Math.max(...share) || 1; // or a choice of many values would be all white
      out += `<text x="${left - 6}" y="${y + 12}" text-anchor="end">${choices[i].name}</text>`;
      share.forEach((v, b) => {
        if (v) out += `<path class="part" opacity="${(v / most).toFixed(2)}" d="M${(left + b * wide).toFixed(1)} `
          + `${y}h${(wide + .3).toFixed(1)}v${LINE - 3}h-${(wide + .3).toFixed(1)}z"/>`;
      });
      y += LINE;
    });
    return [out, y + 4];
  }

  function draw(worlds, titles, axis, width, said) { // said: what it shows, for whoever does not see it
    if (!worlds.length) return '';
    const left = width < 500 ? 158 : 176, sorted = worlds.slice().sort((a, b) => a.diff - b.diff);
    const [strips, high] = lower(sorted, choicesOf(worlds, titles), left, width);
    return `<svg role="img" aria-label="${said}" width="${width}" height="${high}" viewBox="0 0 ${width} ${high}">`
      + upper(sorted, axis, left, width) + strips + '</svg>';
  }

  return { draw, lines, steps };
});
