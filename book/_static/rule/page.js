// The page: reads the rule from its form, and shows the table and the curve that follow.
(function () {
  'use strict';
  const { scores, worlds, curve } = window.ownRule;
  const $ = id => document.getElementById(id), form = $('rule-form');
  let data, usual, drawn = [];

  const number = (v, sign) => (sign && !(v < 0) ? '+' : '') + v.toFixed(3);
  const interval = (x, sign) => `<span class="ci">[${number(x.lo, sign)}, ${number(x.hi, sign)}]</span>`;

  // What the form says; a sentence where that is no rule.
  function read() {
    const f = form.elements, on = name => [...form.querySelectorAll(`[name=${name}]:checked`)].map(x => +x.value);
    const kind = f.kind.value, rule = { score: f.score.value, zero: +f.zero.value, side: +f.side.value,
      base: f.base.value, margin: +f.margin.value, holm: f.holm.checked, seeds: on('seeds'), without: on('without'),
      threshold: kind === 'number' ? Math.round(f.threshold.value * 1e4) / 1e4 : kind };
    f.threshold.disabled = kind !== 'number';
    const lost = ['score', 'zero', 'side', 'base', 'kind'].some(k => !f[k].value)
      ? 'The address of this page names a choice that is not among those of the form.'
      : kind === 'number' && !(rule.threshold > 0 && rule.threshold < 1) ? 'A threshold lies between 0 and 1.'
      : f.margin.value === '' || !(rule.margin >= 0) ? 'A margin is a number, 0 or more.'
      : !rule.seeds.length ? 'Choose one seed or more.'
      : rule.without.length === data.c ? 'All classes are left out: keep one or more.' : '';
    return [rule, lost];
  }

  function write(rule) {
    const f = form.elements, tuned = typeof rule.threshold === 'string';
    for (const name of ['score', 'zero', 'side', 'base', 'margin']) f[name].value = rule[name];
    f.kind.value = tuned ? rule.threshold : 'number';
    if (!tuned) f.threshold.value = rule.threshold;
    f.holm.checked = rule.holm;
    for (const name of ['seeds', 'without']) {
      form.querySelectorAll(`[name=${name}]`).forEach(x => { x.checked = rule[name].includes(+x.value); });
    }
  }

  // The rule in the address, so that it can be kept and sent: what is not as usual.
  function toHash(rule) {
    const parts = Object.keys(usual).filter(k => String(rule[k]) !== String(usual[k]))
      .map(k => `${k}=${encodeURIComponent(rule[k])}`);
    history.replaceState(null, '', location.pathname + location.search + (parts.length ? '#' + parts.join('&') : ''));
  }

  function decoded(text) { try { return decodeURIComponent(text); } catch { return ''; } }

  function fromHash() {
    const rule = Object.assign({}, usual);
    for (const part of location.hash.slice(1).split('&')) {
      const [k, text] = part.split('='), v = decoded(text || '');
      if (!(k in usual)) continue;
      rule[k] = Array.isArray(usual[k]) ? v.split(',').filter(Boolean).map(Number) : k === 'holm' ? v === 'true'
        : k === 'score' || k === 'base' || v in data.titles.tuned ? v : +v;
    }
    return rule;
  }

  function cell(x, arch, base) {
    if (!x) return `<td data-of="${arch}"></td>`;
    const own = `<span class="value">${number(x.value)} ${interval(x)}</span>`;
    if (!x.diff) return `<td data-of="${arch}">${own}<span class="diff">${base}</span></td>`;
    const paper = x.paper ? `<span class="paper">paper ${number(x.said, true)}: ${x.paper}</span>` : '';
    return `<td data-of="${arch}">${own}<span class="diff">${number(x.diff.value, true)} ${interval(x.diff, true)} `
      + `<span class="word ${x.word}">${x.word}</span></span>${paper}</td>`;
  }

  function show(rule, cells) {
    const rows = data.arms.map(([arm, name]) => `<tr><th scope="row">${name}</th>` + data.archs.map(([arch, title]) =>
      cell(cells.find(x => x.arm === arm && x.arch === arch), title, 'base')).join('') + '</tr>');
    $('rule-cells').innerHTML = rows.join('');
    $('rule-caption').textContent = data.captions.table.replace('SCORE', worlds.title(data.scores, rule.score))
      .replace('BASE', worlds.title(data.arms, rule.base));
  }

  function draw(said) {
    const titles = Object.fromEntries([...data.arms, ...data.archs].map(x => [x[0], x[1]]));
    const wide = Math.max(300, Math.floor($('rule-curve').clientWidth));
    $('rule-curve').innerHTML = curve.draw(drawn, titles, 'minus ' + titles[form.elements.base.value], wide, said);
  }

  function decide() {
    const [rule, lost] = read();
    $('rule-lost').textContent = lost;
    $('rule-left').textContent = rule.without.length || 'none';
    if (lost) return;
    const began = performance.now(), cells = worlds.table(data, rule);
    drawn = worlds.worlds(data, rule);
    const said = worlds.sentence(data, rule, cells, drawn);
    show(rule, cells); toHash(rule); draw(said);
    $('rule-said').textContent = said;
    $('rule-said').hidden = !location.hash.includes('='); // the rule of the book is above
    $('rule-note').textContent = drawn.some(w => w.own) ? '' : data.captions.none;
    form.dataset.took = performance.now() - began;
  }

  function start() {
    data = scores.unpack(JSON.parse($('rule-data').textContent));
    usual = data.usual; form.hidden = false; $('rule-figure').hidden = false;
    write(fromHash()); decide();
    let soon;
    const later = () => { clearTimeout(soon); soon = setTimeout(decide, 60); };
    form.addEventListener('input', e => {
      // what is worth a name depends on the score
      if (e.target.name === 'score') form.elements.margin.value = data.scores.find(s => s[0] === e.target.value)[2];
      later();
    });
    form.addEventListener('submit', e => e.preventDefault());
    form.addEventListener('reset', () => setTimeout(() => { write(usual); decide(); }));
    window.addEventListener('hashchange', () => { if (location.hash.includes('=')) { write(fromHash()); decide(); } });
    window.addEventListener('resize', () => draw($('rule-said').textContent));
    window.ownRule.data = data;
  }

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start); else start();
})();
