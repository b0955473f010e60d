// Every page with its text twice as large (WCAG 2.2, 1.4.4): nothing is cut off, and nothing scrolls sideways.

import { contextOf, LANGUAGES, open, sideways } from './looking.mjs';
import { addresses, ROUTES, rows, shortly } from './routes.mjs';
import { people, running } from './service.mjs';
import { each, routesOf, run } from './suite.mjs';

/// Elements whose text does not fit and cannot be seen; what is there for screen readers alone is meant to be unseen.
function cut(page) {
  return page.evaluate(() => {
    const isUnseen = (element) => {
      const style = getComputedStyle(element);
      return style.clipPath !== 'none' || style.clip !== 'auto' || style.visibility === 'hidden' || element.clientWidth <= 1;
    };
    const found = [];
    for (const element of document.body.querySelectorAll('*')) {
      if (!element.textContent.trim() && !('value' in element && element.value)) continue;
      if (!element.checkVisibility() || isUnseen(element)) continue;
      const { overflowX, overflowY, textOverflow, lineClamp, webkitLineClamp } = getComputedStyle(element);
      const hides = (overflow) => ['hidden', 'clip'].includes(overflow);
      // A pixel is but rounding.
      const wide = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
      const high = element.scrollHeight > element.clientHeight + 1 && element.clientHeight > 0;
      const isButton = element.localName === 'button';
      // A long value scrolls in its field.
      if (element.localName === 'input') continue;
      if ((wide && (hides(overflowX) || isButton)) || (high && hides(overflowY)) || (wide && textOverflow === 'ellipsis')) {
        found.push(element.cloneNode(false).outerHTML.slice(0, 200));
      }
      if ((lineClamp ?? webkitLineClamp ?? 'none') !== 'none' && high) found.push(element.outerHTML.slice(0, 200));
    }
    return found;
  });
}

/// Texts that lie on one another: elements that hold text themselves, and do not hold each other.
function overlapping(page) {
  return page.evaluate(() => {
    const boxes = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { parentElement } = walker.currentNode;
      if (!walker.currentNode.data.trim() || !parentElement.checkVisibility() || getComputedStyle(parentElement).clipPath !== 'none') continue;
      if (parentElement.closest('.unseen, script, style, option')) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      for (const box of range.getClientRects()) boxes.push([box, walker.currentNode]);
    }
    const found = new Set();
    boxes.sort(([one], [other]) => one.top - other.top);
    for (const [at, [box, node]] of boxes.entries()) {
      for (const [next, other] of boxes.slice(at + 1)) {
        if (next.top >= box.bottom) break;
        if (node === other) continue;
        const wide = Math.min(box.right, next.right) - Math.max(box.left, next.left);
        const high = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
        // Lines of text may touch: their boxes are higher than the letters.
        if (wide > 4 && high > Math.min(box.height, next.height) * 0.5) found.add(`“${node.data.trim().slice(0, 60)}” and “${other.data.trim().slice(0, 60)}”`);
      }
    }
    return [...found];
  });
}

run('text', async (browser, faults) => {
  const service = running();
  const world = { service, people: await people(service, browser) };
  const found = await addresses(rows(ROUTES, (await routesOf(service)).pages, faults), world, process.argv[2]);
  const work = LANGUAGES.flatMap((language) => found.map((address) => ({ address, language })));
  const contexts = new Map();
  await each(work, async ({ address, language }) => {
    const key = `${address.as} ${language}`;
    if (!contexts.has(key)) contexts.set(key, contextOf(browser, world, { as: address.as, language }));
    const where = `${shortly(address)} ${language} text at 200 %`;
    const { page } = await open(await contexts.get(key), address, faults, where);
    await page.evaluate(() => {
      for (const one of document.querySelectorAll('details')) one.open = true;
      document.documentElement.style.setProperty('font-size', '200%');
    });
    const size = await page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize));
    if (size < 28) faults.add(where, `the text is ${size} px high: it does not follow the size that people set`);
    const over = await sideways(page);
    if (over) faults.add(where, over);
    for (const element of await cut(page)) faults.add(where, `text is cut off in ${element}`);
    for (const texts of await overlapping(page)) faults.add(where, `texts lie on one another: ${texts}`);
    await page.close();
  });
  return `${found.length} addresses in ${LANGUAGES.length} languages`;
});
