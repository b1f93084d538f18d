// Two images one over the other, and tables that sort and filter. No library, no server: a page is a file.
'use strict';

function swipe(box) {
  const [over, under] = box.querySelectorAll('img'), [left, right, scene] = box.querySelectorAll('select');
  const data = JSON.parse(box.querySelector('script').textContent), at = box.querySelector('input');
  const show = () => {
    over.src = data[scene.value][left.value]; under.src = data[scene.value][right.value];
    over.alt = left.selectedOptions[0].text; under.alt = right.selectedOptions[0].text;
  };
  const cut = () => { box.style.setProperty('--cut', at.value + '%'); };
  for (const s of [left, right, scene]) s.addEventListener('change', show);
  at.addEventListener('input', cut);
  show(); cut(); box.hidden = false;
}

// What a cell is sorted by: its first number, or its words.
function cellKey(row, k) {
  const text = (row.cells[k] ? row.cells[k].textContent : '').trim();
  const number = parseFloat(text.replace(/,/g, '').replace('−', '-'));
  return { text, number: Number.isNaN(number) ? null : number };
}

function compareKeys(a, b) {
  if (a.number !== null && b.number !== null) return a.number - b.number;
  return a.text.localeCompare(b.text);
}

function sortable(table) {
  table.tHead.querySelectorAll('th').forEach((head, k) => {
    let up = false;
    const sort = () => {
      up = !up;
      const rows = [...table.tBodies[0].rows].map(row => [cellKey(row, k), row]);
      rows.sort(([a], [b]) => (up ? 1 : -1) * compareKeys(a, b));
      table.tBodies[0].append(...rows.map(([, row]) => row));
      table.querySelectorAll('th').forEach(h => h.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    };
    head.tabIndex = 0; head.title = 'sort';
    head.addEventListener('click', sort);
    head.addEventListener('keydown', e => { if (e.key === 'Enter') sort(); });
  });
}

function filterable(table) {
  const field = document.createElement('input');
  field.type = 'search'; field.className = 'filter'; field.placeholder = 'only rows with …';
  field.setAttribute('aria-label', 'show only the rows that contain these words');
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows)
      row.hidden = !words.every(w => row.textContent.toLowerCase().includes(w));
  });
  table.parentElement.before(field);
}

// Code comes without colours: the browser finds its words, so that not each of them is marked up in the page.
const CODE = [
  ['c1', /#.*/], ['s1', /\b[bfru]{1,2}(?=["'])/], ['s1', /"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/],
  ['nd', /@\w+/], ['mi', /\b\d[\d_.]*(?:e[-+]?\d+)?\b|\B\.\d+\b/], ['kc', /\b(?:True|False|None)\b/],
  ['k', new RegExp('\\b(?:and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|' +
                   'if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\\b')]];
const WORDS = new RegExp(CODE.map(([, form]) => `(${form.source})`).join('|'), 'g');

function codeWords(text) { // [class or nothing, words] each
  const found = [];
  let end = 0;
  for (const m of text.matchAll(WORDS)) {
    if (m.index > end) found.push(['', text.slice(end, m.index)]);
    found.push([CODE[m.slice(1).findIndex(g => g !== undefined)][0], m[0]]);
    end = m.index + m[0].length;
  }
  return end < text.length ? [...found, ['', text.slice(end)]] : found;
}

function colour(pre) {
  pre.replaceChildren(...codeWords(pre.textContent).map(([kind, words]) => {
    if (!kind) return words;
    const span = document.createElement('span');
    span.className = kind; span.textContent = words;
    return span;
  }));
}

// On paper nobody can unfold: what is folded away is opened for as long as the page is printed.
function printable() {
  let opened = [];
  window.addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('.cell_output details:not([open])')];
    for (const d of opened) d.open = true;
  });
  window.addEventListener('afterprint', () => { for (const d of opened) d.open = false; });
}

if (typeof document !== 'undefined') document.addEventListener('DOMContentLoaded', () => {
  printable();
  document.querySelectorAll('.highlight-none pre').forEach(colour);
  document.querySelectorAll('.swipe').forEach(swipe);
  for (const table of document.querySelectorAll('.wide table')) {
    if (!table.tHead || table.tBodies[0].rows.length < 8) continue;
    if (table.classList.contains('plain')) sortable(table);
    if (table.tBodies[0].rows.length > 12) filterable(table);
  }
});
if (typeof module !== 'undefined') module.exports = { cellKey, compareKeys, codeWords };
