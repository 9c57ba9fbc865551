// Where the keyboard is.
const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(
  one => one.checkVisibility() && one.type !== 'hidden' && !one.disabled);
const one = document.activeElement;
const style = getComputedStyle(one);
const box = one.getBoundingClientRect();
// `auto` is the browser's own outline, whatever its width.
const isWide = style.outlineStyle === 'auto' || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
const isOutlined = one.matches(':focus-visible') && isWide;
const isInView = box.width > 0 && box.left >= 0 && box.right <= innerWidth && box.bottom > 0 && box.top < innerHeight;
return {
  place: all.indexOf(one),
  count: all.length,
  what: `${one.tagName.toLowerCase()} ${one.textContent.trim().slice(0, 60)}`,
  isSeen: isOutlined && isInView,
};
