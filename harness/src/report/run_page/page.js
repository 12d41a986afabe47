'use strict';
(async () => {
  const $ = id => document.getElementById(id);
  const copy = $('copy');
  copy.addEventListener('click', async () => {
    const text = $('command').textContent;
    try { await navigator.clipboard.writeText(text); copy.textContent = 'copied'; }
    catch { getSelection().selectAllChildren($('command')); copy.textContent = 'marked: copy it'; }
  });
  const packed = Uint8Array.from(atob($('data').textContent.trim()), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const data = JSON.parse(await new Response(stream).text());
  const { parties, kinds, texts, rows, messages, faults, down, end } = data;
  const sums = steps => { let at = 0; return steps.map(step => at += step); };
  const at = sums(rows.after), sent = sums(messages.after);
  const names = parties.map(name => name.toLowerCase()), said = texts.map(text => text.toLowerCase());
  // The first place in order at which something is not before a time.
  const from = (times, time) => {
    let low = 0, high = times.length;
    while (low < high) { const mid = (low + high) >> 1; if (times[mid] < time) low = mid + 1; else high = mid; }
    return low;
  };
  const clock = us => {
    const ms = Math.round(us / 1000), pad = (n, width) => String(n).padStart(width, '0');
    const h = Math.floor(ms / 3600000), m = Math.floor(ms / 60000) % 60, s = Math.floor(ms / 1000) % 60;
    return (h ? h + ':' + pad(m, 2) : m) + ':' + pad(s, 2) + '.' + pad(ms % 1000, 3);
  };
  const time = text => {
    const parts = text.trim().split(':').map(Number);
    return text.trim() === '' || parts.some(isNaN) ? null : parts.reduce((sum, part) => sum * 60 + part, 0) * 1e6;
  };
  const svg = (name, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const cell = (row, className, text) => { const td = row.insertCell(); td.className = className; td.textContent = text; return td; };

  let cursor = data.moment, row = -1, width = Math.min(end, 20e6), left = 0;
  const clamp = () => {
    width = Math.min(Math.max(width, 1e3), Math.max(end, 1e3));
    left = Math.max(0, Math.min(left, end - width));
  };

  const space = $('space'), LANE = 18, TOP = 16, NAMES = 110, W = 1040, MOST = 1500;
  const x = t => NAMES + (t - left) / width * (W - NAMES - 8);
  const y = who => TOP + who * LANE + LANE / 2;
  function drawSpace() {
    clamp();
    const right = left + width, height = TOP + (parties.length - 1) * LANE + 22, bottom = height - 20;
    space.setAttribute('viewBox', `0 0 ${W} ${height}`);
    const all = [svg('title', {}, `Who sent what to whom from ${clock(left)} to ${clock(right)}`)];
    for (const [a, b, what] of faults) if (b >= left && a <= right) {
      const band = svg('rect', { class: 'band', x: Math.max(NAMES, x(a)), y: TOP, width: Math.max(1, Math.min(W - 8, x(b)) - Math.max(NAMES, x(a))), height: bottom - TOP });
      band.append(svg('title', {}, what)); all.push(band);
    }
    for (let who = 0; who < parties.length - 1; who++) {
      all.push(svg('line', { class: 'lane', x1: NAMES, x2: W - 8, y1: y(who), y2: y(who) }));
      const name = parties[who];
      all.push(svg('text', { x: 4, y: y(who) + 4 }, name.length > 16 ? name.slice(0, 15) + '…' : name));
    }
    for (const [who, a, b] of down) if (b >= left && a <= right)
      all.push(svg('rect', { class: 'down', x: Math.max(NAMES, x(a)), y: y(who) - 4, width: Math.max(1, Math.min(W - 8, x(b)) - Math.max(NAMES, x(a))), height: 8 }));
    const step = [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 3e7, 6e7, 3e8, 6e8, 36e8].find(step => width / step <= 8) || 36e9;
    for (let t = Math.ceil(left / step) * step; t <= right; t += step) {
      all.push(svg('line', { class: 'lane', x1: x(t), x2: x(t), y1: TOP, y2: bottom }));
      all.push(svg('text', { x: x(t), y: height - 6, 'text-anchor': 'middle' }, clock(t)));
    }
    let shown = 0, more = 0;
    const pings = $('pings').checked;
    // A message may have left long before.
    for (let i = from(sent, left - 60e6); i < sent.length && sent[i] <= right; i++) {
      const took = messages.took[i], leaves = sent[i], comes = leaves + Math.max(took, 0);
      if (comes < left || (messages.routine[i] && !pings)) continue;
      if (shown >= MOST) { more++; continue; }
      shown++;
      const a = y(messages.from[i]), b = y(messages.to[i]), X = x(comes), sign = Math.sign(b - a);
      const path = `M${x(leaves).toFixed(1)} ${a}L${X.toFixed(1)} ${b}M${(X - 3).toFixed(1)} ${b - 5 * sign}L${X.toFixed(1)} ${b}L${(X + 3).toFixed(1)} ${b - 5 * sign}`;
      const line = svg('path', { class: 'm' + (messages.routine[i] ? ' r' : '') + (took < 0 ? ' o' : ''), d: path });
      const when = took >= 0 ? `${clock(leaves)} to ${clock(comes)}` : took === -1 ? `left at ${clock(leaves)}; not seen to come` : `came at ${clock(leaves)}; not seen to leave`;
      line.append(svg('title', {}, `${parties[messages.from[i]]} to ${parties[messages.to[i]]}: ${texts[messages.text[i]]} (${when})`));
      all.push(line);
    }
    let dots = 0;
    for (let i = from(at, left); i < at.length && at[i] <= right; i++) {
      const weight = rows.weight[i], who = rows.who[i];
      if (weight === 0 || weight === 4 || who === parties.length - 1 || kinds[rows.kind[i]] === 'chain') continue;
      if (++dots > MOST) { more++; continue; }
      const dot = svg('circle', { class: 'dot w' + weight, cx: x(at[i]), cy: y(who), r: weight > 1 ? 4.5 : 3 });
      dot.append(svg('title', {}, `${clock(at[i])} ${parties[who]}: ${texts[rows.text[i]]}`));
      dot.addEventListener('click', event => { event.stopPropagation(); go(at[i], i, true); });
      all.push(dot);
    }
    if (cursor >= left && cursor <= right) all.push(svg('line', { class: 'now', x1: x(cursor), x2: x(cursor), y1: TOP, y2: bottom }));
    space.replaceChildren(...all);
    $('window').textContent = `${clock(left)} to ${clock(right)}` + (more ? `; ${more} more: look closer to see them` : '');
  }

  const LOG = 200;
  let matching = [], first = 0;
  function filter() {
    const who = $('by').value, kind = $('of').value, words = $('words').value.toLowerCase();
    const a = time($('from').value) ?? 0, b = time($('until').value) ?? Infinity, routine = $('routine').checked;
    matching = [];
    for (let i = from(at, a); i < at.length && at[i] <= b; i++) {
      if (who !== '' && rows.who[i] !== +who) continue;
      if (kind !== '' && rows.kind[i] !== +kind) continue;
      if (!routine && rows.weight[i] === 0 && kind === '') continue;
      if (words !== '' && !said[rows.text[i]].includes(words) && !names[rows.who[i]].includes(words)) continue;
      matching.push(i);
    }
    showLog();
  }
  // The page of the log with what is at the cursor, a third from its top.
  function showLog() {
    let low = 0, high = matching.length;
    const before = i => row >= 0 ? i < row : at[i] < cursor;
    while (low < high) { const mid = (low + high) >> 1; if (before(matching[mid])) low = mid + 1; else high = mid; }
    first = Math.max(0, Math.min(low - LOG / 3 | 0, matching.length - LOG));
    drawLog();
  }
  function drawLog() {
    const body = document.createElement('tbody');
    for (const i of matching.slice(first, first + LOG)) {
      const tr = body.insertRow();
      tr.className = 'w' + rows.weight[i] + (i === row || (row < 0 && at[i] === cursor) ? ' here' : '');
      const button = document.createElement('button');
      button.type = 'button'; button.textContent = clock(at[i]); button.title = 'show this moment above';
      button.addEventListener('click', () => go(at[i], i));
      cell(tr, 't', '').append(button);
      cell(tr, 'm', parties[rows.who[i]]); cell(tr, 'm', kinds[rows.kind[i]]); cell(tr, 'x', texts[rows.text[i]]);
    }
    $('log').tBodies[0].replaceWith(body);
    const last = Math.min(first + LOG, matching.length);
    $('count').textContent = matching.length === 0 ? 'nothing matches' : `${first + 1} to ${last} of ${matching.length}`;
    $('before').disabled = first === 0; $('after').disabled = last === matching.length;
  }
  const turn = by => { first = Math.max(0, Math.min(first + by, matching.length - 1)); drawLog(); };

  function mark() {
    const chart = $('chart');
    if (!chart) return;
    const [a, b] = [+chart.dataset.left, +chart.dataset.right];
    const line = chart.querySelector('.cursor');
    line.style.display = 'block'; line.style.left = (a + (b - a) * cursor / end) * 100 + '%';
  }
  function go(to, at_row = -1, scroll = false) {
    cursor = to; row = at_row;
    if (cursor < left || cursor > left + width || at_row < 0) left = cursor - width / 2;
    drawSpace(); showLog(); mark();
    const here = document.querySelector('#log tr.here') ?? $('log').rows[1 + matching.findIndex(i => at[i] >= cursor) - first];
    const box = $('log').parentElement;
    if (here) box.scrollTop = here.offsetTop - box.clientHeight / 3;
    if (scroll) box.scrollIntoView({ block: 'nearest' });
  }
  const place = (element, event, a, b) => {
    const box = element.getBoundingClientRect();
    return Math.max(0, Math.min(1, ((event.clientX - box.left) / box.width - a) / (b - a)));
  };
  $('chart')?.addEventListener('click', event => {
    const chart = $('chart');
    go(place(chart, event, +chart.dataset.left, +chart.dataset.right) * end);
  });
  space.addEventListener('click', event => { cursor = left + place(space, event, NAMES / W, (W - 8) / W) * width; row = -1; drawSpace(); showLog(); mark(); });
  const move = { earlier: () => left -= width / 3, later: () => left += width / 3, closer: () => zoom(.5), wider: () => zoom(2) };
  const zoom = by => {
    const middle = cursor >= left && cursor <= left + width ? cursor : left + width / 2, share = (middle - left) / width;
    width *= by; clamp(); left = middle - share * width;
  };
  for (const id in move) $(id).addEventListener('click', () => { move[id](); drawSpace(); });
  const keys = { ArrowLeft: 'earlier', ArrowRight: 'later', '+': 'closer', '=': 'closer', '-': 'wider' };
  space.addEventListener('keydown', event => {
    if (event.key in keys) { event.preventDefault(); move[keys[event.key]](); drawSpace(); }
  });
  $('pings').addEventListener('change', drawSpace);
  $('before').addEventListener('click', () => turn(-LOG)); $('after').addEventListener('click', () => turn(LOG));
  const option = (select, value, text) => { const one = document.createElement('option'); one.value = value; one.textContent = text; select.append(one); };
  parties.forEach((name, i) => option($('by'), i, name));
  kinds.map((name, i) => [name, i]).sort().forEach(([name, i]) => option($('of'), i, name));
  // One line among many: its entry in the legend shows it alone.
  const entries = document.querySelectorAll('#lines [data-of]');
  for (const entry of entries) {
    if (entries.length > 8) entry.tabIndex = 0;
    const lit = on => {
      $('chart').classList.toggle('some', on); entry.classList.toggle('lit', on);
      for (const part of $('chart').querySelectorAll(`[data-line="${entry.dataset.of}"]`)) {
        part.classList.toggle('lit', on);
        // Above the others, which it may lie on.
        part.parentNode.append(part);
      }
    };
    for (const [event, on] of [['mouseenter', true], ['focus', true], ['mouseleave', false], ['blur', false]]) entry.addEventListener(event, () => lit(on));
  }
  for (const id of ['by', 'of', 'routine']) $(id).addEventListener('change', filter);
  for (const id of ['words', 'from', 'until']) $(id).addEventListener('input', filter);
  $('filters').addEventListener('submit', event => event.preventDefault());
  $('all').addEventListener('click', () => { $('filters').reset(); filter(); });
  const follow = () => {
    const found = /^#t=(\d+)$/.exec(location.hash);
    if (found) { go(Math.min(+found[1], end)); $('messages').scrollIntoView(); }
  };
  addEventListener('hashchange', follow);
  for (const link of document.querySelectorAll('a[href^="#t="]')) link.addEventListener('click', () => { if (location.hash === link.hash) follow(); });
  filter(); go(cursor);
  // Opens with something to see: what failed by doing nothing fails in silence.
  while (width < end && from(sent, left) === from(sent, left + width)) { zoom(2); drawSpace(); }
  follow();
  document.body.dataset.ready = Math.round(performance.now());
})().catch(error => {
  document.getElementById('broken').textContent = 'The log can not be shown: ' + error.message;
});
