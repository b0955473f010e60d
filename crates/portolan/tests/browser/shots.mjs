// Pictures of every page, for people to look at: in both themes, at both widths, in both languages. `node shots.mjs DIRECTORY [PART OF AN ADDRESS]`

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { contextOf, LANGUAGES, THEMES, WIDTHS } from './looking.mjs';
import { addresses, ROUTES, rows } from './routes.mjs';
import { people, running } from './service.mjs';
import { each, routesOf, run } from './suite.mjs';

run('shots', async (browser, faults) => {
  const [directory, part = ''] = process.argv.slice(2);
  if (!directory) throw new Error('Say into which directory.');
  mkdirSync(directory, { recursive: true });
  const service = running();
  const world = { service, people: await people(service, browser) };
  const found = await addresses(rows(ROUTES, (await routesOf(service)).pages, faults), world, part);
  const looks = LANGUAGES.flatMap((language) => WIDTHS.flatMap((width) => THEMES.map((theme) => ({ language, width, theme }))));
  await each(looks, async ({ language, width, theme }) => {
    for (const address of found) {
      const context = await contextOf(browser, world, { as: address.as, language, width, theme });
      const page = await context.newPage();
      await page.goto(address.url);
      const { pathname, search } = new URL(address.url);
      const place = (pathname + search).slice(1).replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 80) || 'front';
      const name = `${place}.${address.as}.${language}.${width}.${theme}.png`;
      await page.screenshot({ path: join(directory, name), fullPage: true });
      await context.close();
    }
  });
  return `${found.length * looks.length} pictures in ${directory}`;
});
