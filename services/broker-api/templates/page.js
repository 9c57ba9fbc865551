// Without this script the page is whole, and is reloaded to see what is new. With it the page shows by itself what changes, buttons copy, a press of
// a button leaves the page where it is, and domains can be left out. All words are the page's.

const root = document.documentElement;
const byId = id => document.getElementById(id);
const live = byId('live');
const said = byId('said');
/** After this the page is read again, if events don't come. */
const AGAIN = 30_000;
/** A connection that is back by then was never gone. */
const PATIENCE = 5_000;
/** How long an answer to a press stays. */
const ANSWER = 20_000;
const COPIED = 2_000;

// --- what has changed ------------------------------------------------------------------------------------------------

/** Makes an element of the page like a fresh one. What is the same stays as it is: with the keyboard, what is selected, and what is unfolded. */
function become(old, fresh, known) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    // A button that says what it has done says so until its time is over.
    if (!old.data || old.data !== old.parentElement?.dataset.done) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // `open` is the reader's.
    if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const stay = new Set([...fresh.children].map(child => child.id));
  for (const child of [...old.children]) {
    if (child.id && !stay.has(child.id)) child.remove();
  }
  let at = old.firstChild;
  const skip = () => {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  };
  for (const wanted of [...fresh.childNodes]) {
    const there = wanted.id ? known.get(wanted.id) : at;
    if (!there || there.nodeName !== wanted.nodeName || (there.id ?? '') !== (wanted.id ?? '')) {
      old.insertBefore(wanted, at);
      continue;
    }
    // An element that is moved loses the keyboard: what is in front of it goes.
    while (at && at !== there && !at.id) skip();
    if (at === there) at = at.nextSibling;
    else old.insertBefore(there, at);
    become(there, wanted, known);
  }
  while (at) skip();
}

/** Changes the page, and leaves the keyboard where it is, or else at the domain that it was at. */
function change(how) {
  const focus = document.activeElement;
  const place = focus?.closest('tr[tabindex], main')?.id;
  how(new Map([...document.querySelectorAll('[id]')].map(element => [element.id, element])));
  if (focus && focus !== document.body && document.activeElement !== focus) {
    focus.focus({ preventScroll: true });
    if (document.activeElement !== focus) byId(place)?.focus({ preventScroll: true });
  }
  choose(root.dataset.show ?? 'all');
}

const readAt = asOf => Number(asOf?.dataset.at ?? 0);
/** What was read before what is shown tells nothing. */
const isOld = asOf => readAt(asOf) < readAt(byId('as-of'));

/** Shows what the server sent of a page: the ids of its pieces in their order, and those that have changed. */
function show({ order, pieces }) {
  const fresh = new Map(pieces.map(([id, html]) => {
    const template = document.createElement('template');
    template.innerHTML = html;
    return [id, template.content.firstElementChild];
  }));
  if (fresh.has('as-of') && isOld(fresh.get('as-of'))) return;
  change(known => {
    const main = byId('main');
    const there = new Set(order);
    for (const child of [...main.children]) {
      if (child.id && !there.has(child.id)) child.remove();
    }
    let before = null;
    for (const id of [...order].reverse()) {
      const old = byId(id);
      const piece = fresh.get(id);
      if (old && piece) become(old, piece, known);
      else if (piece) main.insertBefore(piece, before);
      if (byId(id)?.parentNode === main) before = byId(id);
      fresh.delete(id);
    }
    // Rows of domains.
    for (const [id, piece] of fresh) {
      const old = byId(id);
      if (old) become(old, piece, known);
    }
  });
}

/** Shows a page that was read as a whole. Returns what it says of the press that led to it. */
function showPage(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const told = page.querySelector('main .told');
  const words = told?.firstChild?.textContent ?? '';
  told?.remove();
  if (page.getElementById('main') && !isOld(page.getElementById('as-of'))) {
    change(known => {
      become(byId('as-of'), page.getElementById('as-of'), known);
      become(byId('main'), page.getElementById('main'), known);
    });
  }
  return words;
}

// --- events ----------------------------------------------------------------------------------------------------------

let events;
let again;
let lost;

function tell(words) {
  if (live.textContent !== words) live.textContent = words;
}

function disconnect() {
  clearTimeout(again);
  clearTimeout(lost);
  lost = undefined;
  events?.close();
  events = undefined;
}

function connect() {
  disconnect();
  events = new EventSource(`${location.pathname}/live`);
  events.addEventListener('open', () => {
    clearTimeout(lost);
    lost = undefined;
    tell(live.dataset.live);
  });
  events.addEventListener('pieces', event => show(JSON.parse(event.data)));
  // There is no such page any more: the server says so better.
  events.addEventListener('ended', () => location.reload());
  events.addEventListener('error', () => {
    lost ??= setTimeout(() => tell(live.dataset.lost), PATIENCE);
    // It was refused: a browser doesn't try that again by itself.
    if (events?.readyState === EventSource.CLOSED) again = setTimeout(readAgain, AGAIN);
  });
}

async function readAgain() {
  try {
    const answer = await fetch(location.pathname, { cache: 'no-store' });
    // It is gone, or the platform has to be asked again, which a script can't do.
    if (answer.status === 404 || answer.status === 403) return location.reload();
    if (answer.ok) {
      showPage(await answer.text());
      clearTimeout(lost);
      lost = undefined;
      tell('');
    }
  } catch {
    tell(live.dataset.lost);
  }
  if (!document.hidden) connect();
}

// Browsers have few connections for all pages of a server: a page that nobody sees leaves its own to others.
document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));

// --- presses ---------------------------------------------------------------------------------------------------------

let forget;

function answer(words) {
  clearTimeout(forget);
  said.textContent = words;
  forget = setTimeout(() => (said.textContent = ''), ANSWER);
}

document.addEventListener('submit', async event => {
  const form = event.target;
  if (form.id !== 'check' && form.id !== 'outside') return;
  event.preventDefault();
  try {
    const body = new URLSearchParams(new FormData(form));
    if (event.submitter?.name) body.append(event.submitter.name, event.submitter.value);
    const came = await fetch(form.getAttribute('action'), { method: 'POST', body });
    const text = await came.text();
    answer(came.ok ? showPage(text) : text);
  } catch {
    answer(live.dataset.lost);
  }
});

/** Copies what is before the button; where the browser doesn't allow that, it is selected, at least. */
async function copy(button) {
  const from = button.parentElement.querySelector('code.copy');
  try {
    await navigator.clipboard.writeText(from.textContent);
  } catch {
    getSelection().selectAllChildren(from);
    // The way for pages without TLS.
    if (!document.execCommand('copy')) return;
  }
  const [words] = button.childNodes;
  const before = words.data;
  if (before === button.dataset.done) return;
  words.data = button.dataset.done;
  setTimeout(() => (words.data = before), COPIED);
}

/** Leaves out all domains but some. */
function choose(name) {
  const isThere = name !== 'all' && byId(name)?.closest('table.domains');
  const shown = isThere ? name : 'all';
  root.dataset.show = shown;
  for (const button of document.querySelectorAll('button[data-show]')) {
    button.setAttribute('aria-pressed', String(button.dataset.show === shown));
  }
}

document.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.matches('.copies')) copy(button);
  else if (button?.dataset.show) choose(button.dataset.show);
});

root.classList.add('with-script');
choose('all');
if (!document.hidden) connect();
