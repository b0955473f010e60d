// Twelve tabs of one status page: all load, all show a change within a second, and after the service was killed and started again
// all are right within five seconds.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, people, serve, setUp } from './service.mjs';
import { run, until } from './suite.mjs';

/// More than a browser opens connections to one host.
const TABS = 12;

const CHANGED_MILLISECONDS = 1_000;
const RIGHT_MILLISECONDS = 5_000;

const TYPE = `
id = "memo"
display_text = "Memo"
[[step]]
id = "review"
name = "Review"
description = "Somebody looks at it."
checks = [{ kind = "reviewer" }]
[[step]]
id = "package"
name = "Package"
description = "The preview is put in place."
checks = [{ kind = "listing" }]
[[step]]
id = "publisher-signoff"
name = "Sign off"
description = "The publisher looks."
checks = [{ kind = "sign-off" }]
[[step]]
id = "live"
name = "Live"
description = "Customers see it."
checks = [{ kind = "promote" }]
`;

const OFFER = '/publishers/contoso/offers/tabs';

/// A reviewer's verdict on the step at hand.
async function verdict(service, word, message) {
  const reviews = await call(service, 'GET', '/api/reviews', undefined, service.reviewer);
  const { operationId, stepId } = reviews.find((review) => review.offerId === 'tabs');
  await call(service, 'POST', `/api/reviews/${operationId}/${stepId}/${word}`, message && { message }, service.reviewer);
}

/// What a page says in short: its headings, without times, which the reader's zone changes.
const headings = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('main h1, main h2, main h3')].map((heading) => {
      const copy = heading.cloneNode(true);
      for (const time of copy.querySelectorAll('time')) time.remove();
      return copy.textContent.replace(/\s+/g, ' ').trim();
    }),
  );

/// Whether a page says something.
const says = (page, words) => page.evaluate((text) => document.body.textContent.includes(text), words);

/// Waits until all tabs say it, and tells which do not.
async function all(tabs, words, milliseconds, faults, what) {
  const began = Date.now();
  const took = await Promise.all(tabs.map((page) => until(() => says(page, words).catch(() => false), milliseconds)));
  const late = took.filter((one) => one === undefined).length;
  if (late > 0) faults.add(what, `${late} of ${tabs.length} tabs do not show it after ${milliseconds} ms`);
  return Date.now() - began;
}

run('tabs', async (browser, faults) => {
  const files = mkdtempSync(join(tmpdir(), 'portolan-tabs-'));
  try {
    writeFileSync(join(files, 'memo.toml'), TYPE);
    writeFileSync(join(files, 'settings.toml'), 'offer_types = ["memo.toml"]\n[limits]\ncaller_per_second = 0\naddress_per_second = 0\n');
    const data = join(files, 'data');
    mkdirSync(data);
    const settings = ['--config', join(files, 'settings.toml')];
    let service = await serve(data, settings);
    await setUp(service);
    const kept = await people(service, browser, ['owner']);
    const body = { publisherId: 'contoso', id: 'tabs', offerTypeId: 'memo', definition: { displayText: 'Tabs' } };
    await call(service, 'PUT', `/api${OFFER}`, body, service.owner);
    await call(service, 'POST', `/api${OFFER}/publish`, undefined, service.owner);
    const waits = async () => (await call(service, 'GET', '/api/reviews', undefined, service.reviewer)).length > 0;
    if ((await until(waits, 10_000)) === undefined) throw new Error('It does not come to a reviewer.');

    const context = await browser.newContext({ storageState: kept.owner });
    const tabs = await Promise.all(Array.from({ length: TABS }, () => context.newPage()));
    const began = Date.now();
    for (const tab of tabs) {
      const answer = await tab.goto(service.url + OFFER, { waitUntil: 'load', timeout: 10_000 }).catch((error) => faults.add('a tab', error.message));
      if (answer) faults.same('a tab', answer.status(), 200, 'the status');
    }
    const loaded = Date.now() - began;
    // Who leads is settled, and the stream is open.
    await tabs[0].waitForTimeout(1_000);

    await verdict(service, 'block', 'The first change, from outside.');
    const changed = await all(tabs, 'The first change, from outside.', CHANGED_MILLISECONDS, faults, 'a change');

    // The tab that holds the stream may be any of them; whoever goes, another takes it over.
    for (const tab of tabs.splice(0, 6)) await tab.close();
    await tabs[0].waitForTimeout(1_000);
    await verdict(service, 'unblock');
    await verdict(service, 'block', 'The second change.');
    await all(tabs, 'The second change.', CHANGED_MILLISECONDS, faults, 'a change after half the tabs were closed');

    const { host } = new URL(service.url);
    const { owner, reviewer, token, url } = service;
    await service.kill();
    service = Object.assign(await serve(data, settings, host, url), { owner, reviewer, token });
    const restarted = Date.now();
    await verdict(service, 'unblock');
    await verdict(service, 'block', 'The third change.');
    await all(tabs, 'The third change.', RIGHT_MILLISECONDS - (Date.now() - restarted), faults, 'after a restart');
    const right = Date.now() - restarted;
    const fresh = await browser.newContext({ storageState: kept.owner, javaScriptEnabled: false });
    const page = await fresh.newPage();
    await page.goto(service.url + OFFER);
    const expected = await headings(page);
    for (const tab of tabs) faults.same('after a restart', await headings(tab), expected, 'the headings of a tab');
    await fresh.close();
    await context.close();
    return `${TABS} tabs loaded in ${loaded} ms, a change shown in ${changed} ms, right ${right} ms after a restart`;
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
});
