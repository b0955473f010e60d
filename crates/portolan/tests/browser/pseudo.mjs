// Every page in a language that exists only here: what is not in it was written into the program and not into its catalogues.

import { contextOf, open } from './looking.mjs';
import { addresses, ROUTES, rows, shortly } from './routes.mjs';
import { people, running } from './service.mjs';
import { each, routesOf, run } from './suite.mjs';

/// The language whose words are English ones with something on every letter.
const LANGUAGE = 'en-XA';

/// What is not ours to translate: names and texts of others, wire values, times, numbers.
const NOT_OURS = 'bdi, code, time, pre, kbd, samp, textarea, [lang]:not(html), [translate=no], script, style';

/// Names that are the same in every language.
const NAMES = /\b(Portolan|JSON|CSV|API|HTTP|HTTPS|URL|UTC|OpenAPI|curl|CI)\b/g;

/// Texts of a page, seen and spoken, that have a word of plain letters.
function untranslated(page) {
  return page.evaluate(
    ([notOurs, names]) => {
      const found = new Set();
      const look = (text, element) => {
        // What is put into a message stands between marks that set it apart.
        const left = text.replace(/\u2068[^\u2069]*\u2069/g, '').replace(new RegExp(names, 'g'), '').trim();
        if (/[A-Za-z]{2,}/.test(left) && !element?.closest(notOurs)) found.add(`${element?.localName ?? 'title'}: ${text.trim().slice(0, 120)}`);
      };
      look(document.title.split(' · ')[0] === document.title ? document.title : '', undefined);
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) look(walker.currentNode.data, walker.currentNode.parentElement);
      for (const name of ['aria-label', 'aria-description', 'title', 'placeholder', 'alt', 'data-copied']) {
        for (const element of document.body.querySelectorAll(`[${name}]`)) look(element.getAttribute(name), element);
      }
      return [...found];
    },
    [NOT_OURS, NAMES.source],
  );
}

/// A browser of somebody who has chosen that language.
async function inLanguage(browser, world, as) {
  const context = await contextOf(browser, world, { as });
  await context.addCookies([{ name: 'portolan-display', value: `${LANGUAGE}.system.own`, url: world.service.url }]);
  return context;
}

run('pseudo', async (browser, faults) => {
  const service = running();
  const world = { service, people: await people(service, browser) };
  const found = await addresses(rows(ROUTES, (await routesOf(service)).pages, faults), world, process.argv[2]);
  const contexts = new Map();
  await each(found, async (address) => {
    if (!contexts.has(address.as)) contexts.set(address.as, inLanguage(browser, world, address.as));
    const where = `${shortly(address)} ${LANGUAGE}`;
    const { page } = await open(await contexts.get(address.as), address, faults, where, { language: LANGUAGE });
    for (const text of await untranslated(page)) faults.add(where, `is in no catalogue: ${text}`);
    await page.close();
  });
  return `${found.length} addresses`;
});
