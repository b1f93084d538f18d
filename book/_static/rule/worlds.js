// Table 1 and its specification curve by a reader's rule. As rule_table and rule_worlds of srstudy.papers.rule.
(function (root, make) {
  if (typeof module === 'object') module.exports = make(require('./scores.js'), require('./intervals.js'));
  else root.ownRule.worlds = make(root.ownRule.scores, root.ownRule.intervals);
})(this, function (scores, intervals) {
  'use strict';
  const CURVE = ['f1', 'acc', 'f1_micro', 'f1_macro', 'f2_macro']; // and macro AP, which needs no threshold

  const same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);
  const title = (list, key) => list.find(x => x[0] === key)[1];

  function seedsOf(data, rule, arch, ...arms) { // the chosen ones that all of these arms have
    const chosen = rule.seeds.length ? rule.seeds : data.seeds;
    return chosen.filter(s => arms.every(a => [a, arch, s].join(' ') in data.row));
  }

  function table(data, rule) { // a cell per arm and classifier that have runs
    const at = new Map(), cells = [];
    const one = (arm, arch, seed) => {
      const run = data.row[[arm, arch, seed].join(' ')];
      if (!at.has(run)) at.set(run, scores.scoreRun(data, run, rule.threshold, rule.side, [rule.without],
        [rule.zero], [rule.score])[0][0][0]);
      return at.get(run);
    };
    for (const [arm] of data.arms) for (const [arch] of data.archs) {
      const seeds = seedsOf(data, rule, arch, arm, rule.base);
      if (!seeds.length) continue;
      const mine = seeds.map(s => one(arm, arch, s)), ci = intervals.mean(mine), cut = v => Math.min(1, Math.max(0, v));
      const diff = arm === rule.base ? null : intervals.mean(mine, seeds.map(s => one(rule.base, arch, s)));
      cells.push({ arm, arch, k: seeds.length, value: cut(ci.value), lo: cut(ci.lo), hi: cut(ci.hi), diff, word: '' });
    }
    const compared = cells.filter(x => x.diff), stands = rule.holm && intervals.stands(compared.map(x => x.diff));
    const lower = data.scores.find(s => s[0] === rule.score)[3];
    compared.forEach((x, i) => {
      x.word = intervals.compare(x.diff, rule.margin, lower, !rule.holm || stands[i]);
      Object.assign(x, beside(data, rule, x, lower));
    });
    return cells;
  }

  // The difference that the paper prints, where it prints both, and whether ours has its direction.
  function beside(data, rule, { arm, arch, word }, lower) {
    const [own, base] = [arm, rule.base].map(a => data.printed[[rule.score, arch, a].join(' ')]);
    if (!own || !base) return {};
    const said = Math.round((own[0] - base[0]) * 1e6) / 1e6;
    if (own[1] || base[1]) return { said, paper: 'suspect' };
    const way = intervals.compare({ value: said, lo: said, hi: said }, rule.margin, lower, true);
    return { said, paper: word === 'undecided' ? word : way === word ? 'agrees' : 'disagrees' };
  }

  function choices(data, rule) { // the values of each choice, the reader's own among them
    const names = data.titles, lefts = [[], [data.often[0]], [data.often[1]]], left = names.left.slice();
    if (!lefts.some(l => same(l, rule.without))) { lefts.push(rule.without); left.push(names.own[1]); }
    const thresholds = [.5, ...Object.keys(names.tuned)], threshold = [names.half, ...Object.keys(names.tuned)];
    if (!thresholds.includes(rule.threshold)) { thresholds.push(rule.threshold); threshold.push(names.own[0]); }
    return { lefts, left, thresholds, threshold };
  }

  // Each way to score: its names, where its scores lie, and whether it is the reader's.
  function ways(data, rule) {
    const { lefts, left, thresholds, threshold } = choices(data, rule), out = [];
    const called = m => title(data.scores, m);
    lefts.forEach((without, l) => {
      const mine = same(without, rule.without);
      out.push({ names: [called('ap_macro'), 'no threshold', '0/0 cannot be', left[l]], at: [l],
        own: mine && rule.score === 'ap_macro' });
      thresholds.forEach((t, i) => [0, 1].forEach(zero => CURVE.forEach((m, j) => out.push({
        names: [called(m), threshold[i], '0/0 = ' + zero, left[l]], at: [i, l, zero, j],
        own: mine && rule.score === m && rule.threshold === t && rule.zero === zero }))));
    });
    return { list: out, lefts, thresholds };
  }

  // By one threshold: what no reader's own choice changes is kept for the next rule.
  function scoreAll(data, run, side, threshold, lefts) {
    const one = l => scores.scoreRun(data, run, threshold, side, l, [0, 1], CURVE);
    if (threshold !== .5 && !(threshold in data.titles.tuned)) return one(lefts);
    const key = [run, side, threshold].join(' '), usual = data.titles.left.length;
    if (!data.ways.has(key)) data.ways.set(key, one(lefts.slice(0, usual)));
    return lefts.length > usual ? data.ways.get(key).concat(one(lefts.slice(usual))) : data.ways.get(key);
  }

  function scoreWays(data, run, side, { list, lefts, thresholds }) { // way -> scores without each block
    const decided = thresholds.map(t => scoreAll(data, run, side, t, lefts));
    const precise = lefts.map(l => scores.precisionScore(data, run, side, l));
    return list.map(({ at }) => at.length === 1 ? precise[at[0]] : decided[at[0]][at[1]][at[2]][at[3]]);
  }

  function worlds(data, rule) { // every network minus the base, in all ways
    const way = ways(data, rule), at = new Map(), out = [];
    const one = (arm, arch, seed) => {
      const run = data.row[[arm, arch, seed].join(' ')];
      if (!at.has(run)) at.set(run, scoreWays(data, run, rule.side, way));
      return at.get(run);
    };
    for (const [arm, , network] of data.arms) for (const [arch] of data.archs) {
      const seeds = seedsOf(data, rule, arch, arm, rule.base);
      if (!network || arm === rule.base || !seeds.length) continue;
      const mine = seeds.map(s => one(arm, arch, s)), base = seeds.map(s => one(rule.base, arch, s));
      way.list.forEach(({ names, own }, i) => {
        const d = intervals.mean(mine.map(x => x[i]), base.map(x => x[i]));
        out.push({ arm, arch, names, own, diff: d.value, lo: d.lo, hi: d.hi });
      });
    }
    return out;
  }

  const share = (n, of) => Math.floor(100 * n / Math.max(of, 1) + .5) + '%';

  function sentence(data, rule, cells, all) {
    const base = title(data.arms, rule.base), counts = {}, network = arm => data.arms.find(a => a[0] === arm)[2];
    const told = cells.filter(x => x.diff && network(x.arm)), n = told.length;
    for (const x of told) counts[x.word] = (counts[x.word] || 0) + 1;
    const [up, ahead, behind] = [w => w.diff > 0, w => w.lo > 0, w => w.hi < 0].map(f => all.filter(f).length);
    const said = ['better', 'worse', 'equivalent', 'undecided'].map(w => `${counts[w] || 0} ${w}`);
    return `Of ${n} comparisons of a network with ${base}, by this rule: ${said.slice(0, 3).join(', ')} and ${said[3]}. `
      + `In ${up.toLocaleString('en-US')} of ${all.length.toLocaleString('en-US')} worlds (a network, a classifier and a `
      + `way to score; ${share(up, all.length)}) the network is ahead of ${base}: decidedly ahead in ${share(ahead, all.length)}, `
      + `decidedly behind in ${share(behind, all.length)}.`;
  }

  return { table, worlds, choices, sentence, title };
});
