// What is wider than its place: it would lie on its neighbour, or make the reader scroll sideways.
const said = element => `${element.tagName.toLowerCase()} ${JSON.stringify(element.textContent.trim().slice(0, 60))}`;
const overflows = element => element.scrollWidth > element.clientWidth + 1;
const places = [...document.querySelectorAll('td, th, dd, li, p, section')].filter(element => element.checkVisibility());
const found = places.filter(element => element.clientWidth > 0 && overflows(element)).map(
  element => `${said(element)}: ${element.scrollWidth} in ${element.clientWidth}`);
return overflows(document.documentElement) ? ['the whole page', ...found] : found;
