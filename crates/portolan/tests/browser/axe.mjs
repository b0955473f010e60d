// Every page, in both themes, at both widths, in both languages: no violation of WCAG 2.2 A and AA or of best practice, no sideways
// scroll, nothing asked of another host, no complaint of the browser, and at most 50 KB.

import { contextOf, LANGUAGES, open, sideways, THEMES, WIDTHS } from './looking.mjs';
import { addresses, ROUTES, rows, shortly } from './routes.mjs';
import { people, running } from './service.mjs';
import { AXE, each, routesOf, run } from './suite.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

/// The rules that look at colours.
const COLOURS = ['color-contrast', 'link-in-text-block'];

/// The most that a page may take over the wire when nothing of it is kept: document, stylesheet and scripts, in bytes.
const HEAVIEST = 50 * 1024;

run('axe', async (browser, faults) => {
  const service = running();
  const world = { service, people: await people(service, browser) };
  const found = await addresses(rows(ROUTES, (await routesOf(service)).pages, faults), world, process.argv[2]);
  const axe = AXE();
  const contexts = new Map();
  const work = LANGUAGES.flatMap((language) => WIDTHS.flatMap((width) => found.map((address) => ({ address, language, width }))));
  let heaviest = 0;
  await each(work, async ({ address, language, width }) => {
    const key = `${address.as} ${language} ${width}`;
    if (!contexts.has(key)) contexts.set(key, contextOf(browser, world, { as: address.as, language, width }));
    const where = `${shortly(address)} ${language} ${width} px`;
    const { page, weight } = await open(await contexts.get(key), address, faults, where, { language });
    const over = await sideways(page);
    if (over) faults.add(where, over);
    // Frames are not looked into: there are none.
    await page.evaluate(axe);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      // The document is the same in the dark: only its colours are others.
      const rules = theme === 'dark' ? { type: 'rule', values: COLOURS } : TAGS;
      const violations = await page.evaluate(async (tags) => {
        const results = await window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
        return results.violations.map(({ id, help, nodes }) => ({
          id,
          help,
          nodes: nodes.map((node) => `${node.target} ${node.html.slice(0, 160)}: ${node.failureSummary.replaceAll('\n', ' ')}`),
        }));
      }, rules);
      for (const { id, help, nodes } of violations) {
        faults.add(`${where} ${theme}`, `${id}, ${help} (${nodes.length} times)\n      ${nodes.slice(0, 3).join('\n      ')}`);
      }
    }
    heaviest = Math.max(heaviest, weight());
    if (weight() > HEAVIEST) faults.add(where, `it weighs ${weight()} bytes`);
    await page.close();
  });
  return `${found.length} addresses, ${work.length * THEMES.length} looks, the heaviest ${(heaviest / 1024).toFixed(1)} KB`;
});
