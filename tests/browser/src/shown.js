// What the page shows: texts are as they can be read, so nothing of what is folded; names, values and states are whole.
const content = element => element?.textContent.trim() ?? '';
const card = id => document.getElementById(id)?.closest('section');
const records = row => [...row.querySelectorAll('dl.record')].map(record => {
  // A button that copies it may be beside it.
  const [kind, name, value] = [...record.querySelectorAll('dd')].map(one => content(one.querySelector('code') ?? one));
  return { kind, name, value };
});
const rows = group => [...group.querySelectorAll('tr:not(.group)')].map(row => ({
  domain: content(row.querySelector('th .name')),
  group: group.id,
  standing: content(row.querySelector('.badge')),
  text: row.innerText,
  records: records(row),
}));
return {
  status: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
  title: document.title,
  text: document.body.innerText,
  now: content(card('now')?.querySelector('.badge')),
  renewal: content(card('renewal')?.querySelector('.badge')),
  current: [...document.querySelectorAll('li[aria-current="step"] .what')].map(content),
  rows: [...document.querySelectorAll('table.domains tbody')].flatMap(rows),
  certificate: card('certificate')?.innerText ?? '',
  distribution: card('distribution')?.innerText ?? '',
  history: card('history')?.innerText ?? '',
};
