// The pictures of the README and the documents: four pages, each as most people see it. `scripts/screenshots` takes them.

import { join } from 'node:path';
import { contextOf } from './looking.mjs';
import { people, running } from './service.mjs';
import { run } from './suite.mjs';

const PICTURES = [
  { name: 'status', as: 'owner', path: '/publishers/contoso/offers/vm-in-progress' },
  { name: 'status-failed-dark', as: 'owner', theme: 'dark', path: '/publishers/contoso/offers/vm-failed' },
  { name: 'review', as: 'reviewer', path: '/reviews', first: 'main a[href^="/reviews/"]' },
  { name: 'status-zh-phone', as: 'owner', language: 'zh-CN', width: 390, path: '/publishers/contoso/offers/vm-waiting-for-sign-off' },
];

run('pictures', async (browser, faults) => {
  const directory = process.argv[2];
  if (!directory) throw new Error('Say into which directory.');
  const service = running();
  const world = { service, people: await people(service, browser) };
  for (const { name, as, path, first, ...look } of PICTURES) {
    const context = await contextOf(browser, world, { as, ...look, more: { deviceScaleFactor: 1 } });
    const page = await context.newPage();
    const answer = await page.goto(service.url + path);
    faults.same(path, answer.status(), 200, 'the status');
    // The page of the first that is listed.
    if (first && answer.ok()) await page.goto(service.url + (await page.getAttribute(first, 'href')));
    await page.screenshot({ path: join(directory, `${name}.png`), fullPage: name !== 'review' });
    await context.close();
  }
  return `${PICTURES.length} pictures in ${directory}`;
});
