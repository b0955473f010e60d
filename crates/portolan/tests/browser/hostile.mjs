// 5,000 texts that try to run script, in messages and in whatever else a page shows: nothing runs with the sanitiser alone, and
// nothing runs with the policy alone. Without both, most of them do.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { texts } from './hostile-texts.mjs';
import { ROUTES } from './routes.mjs';
import { call, people, serve, setUp } from './service.mjs';
import { each, routesOf, run, until } from './suite.mjs';

const MANY = 5_000;

/// As many messages as a checker may give.
const OF_AN_OFFER = 200;

/// How many texts stand on one page where nothing cleans them.
const ON_A_PAGE = 200;

/// What ends whatever a text has begun, so that the next one is read as HTML again.
const AFTER = '\'"-->]]></script></style></title></textarea></noscript></noembed></noframes></xmp></template></select></svg></math></iframe></table>';

/// A type whose first step is done by a program that gives the messages, and whose second needs a person.
const TYPE = `
id = "hostile"
display_text = "Hostile"
[[step]]
id = "validate"
name = "Validate"
description = "It is read."
checks = [{ kind = "command", checker = "hostile" }]
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

const pairs = (many) => many.flatMap((one, at) => (at % 2 === 0 ? [[one, many[at + 1] ?? one]] : []));

/// A definition in which these texts are names, summaries, descriptions and addresses.
function definition(some) {
  const marketplace = 'microsoft-azure-marketplace';
  const [title, summary, category, link, support] = some;
  return {
    displayText: title,
    offer: {
      [`${marketplace}.title`]: title,
      [`${marketplace}.summary`]: summary,
      [`${marketplace}.longSummary`]: summary,
      [`${marketplace}.description`]: some.slice(0, 50).join(' '),
      [`${marketplace}.categories`]: [category],
      [`${marketplace}.usefulLinks`]: [{ linkTitle: link, linkUrl: `https://x.example/${link}` }, { linkTitle: link, linkUrl: 'javascript:ran(1)' }],
      [`${marketplace}.privacyURL`]: `https://x.example/${link}`,
      [`${marketplace}.termsOfUse`]: support,
      [`${marketplace}.supportContactName`]: support,
      [`${marketplace}.supportContactEmail`]: `${support}@x.example`,
      [`${marketplace}.screenshots`]: [{ screenshotName: title, screenshotUrl: 'https://x.example/a.png' }],
    },
    // An offer may have half as many plans as a checker may give messages.
    plans: pairs(some).map(([one, other], at) => ({
      planId: `plan-${at}`,
      'x.skuTitle': one,
      'x.skuSummary': other,
      'x.skuDescription': `${other} ${one}`,
    })),
  };
}

/// Starts a service whose offers say all that; gives the service, and the offers.
async function hostileService(all, files, browser) {
  const offers = [];
  // What cannot be seen may not stand in a pointer.
  const message = (text) => ({ level: 'warning', messageHtml: text, message: text, mend: text, target: `/${text.replace(/\p{C}/gu, '')}` });
  for (let at = 0; at * OF_AN_OFFER < all.length; at += 1) {
    const some = all.slice(at * OF_AN_OFFER, (at + 1) * OF_AN_OFFER);
    const lines = some.map((text) => JSON.stringify({ message: message(text) }));
    writeFileSync(join(files, `hostile-${at}`), `${lines.join('\n')}\n{"report":"passed"}\n`);
    offers.push({ id: `hostile-${at}`, some });
  }
  writeFileSync(join(files, 'hostile.toml'), TYPE);
  // The job names the offer, and the file has the offer's name.
  const script = `cat "${files}/$(sed -n 's/.*"offerId":"\\([^"]*\\)".*/\\1/p')"`;
  const checker = `[[checker]]\nname = "hostile"\ncommand = ["/bin/sh", "-c", ${JSON.stringify(script)}]\n`;
  writeFileSync(join(files, 'settings.toml'), `offer_types = ["hostile.toml"]\n[limits]\ncaller_per_second = 0\naddress_per_second = 0\n${checker}`);
  const data = join(files, 'data');
  mkdirSync(data);
  const service = await serve(data, ['--config', join(files, 'settings.toml')]);
  await setUp(service);
  for (const { id, some } of offers) {
    const path = `/api/publishers/contoso/offers/${id}`;
    await call(service, 'PUT', path, { publisherId: 'contoso', id, offerTypeId: 'hostile', definition: definition(some) }, service.owner);
    await call(service, 'POST', `${path}/publish`, undefined, service.owner);
  }
  const status = (id) => call(service, 'GET', `/api/publishers/contoso/offers/${id}/status`, undefined, service.owner);
  const left = offers.map(({ id }) => id);
  const areReady = async () => {
    while (left.length > 0 && (await status(left[0])).status === 'waitingForPublisherReview') left.shift();
    return left.length === 0;
  };
  if ((await until(areReady, 20_000)) === undefined) {
    throw new Error(`${left[0]} came to no preview:\n${service.said.filter((line) => line.includes('WARN')).slice(0, 3).join('\n')}`);
  }
  return { service, offers, status, routes: await routesOf(service), people: await people(service, browser, ['owner']) };
}

/// A browser in which texts can say that they ran; `ran` has their numbers.
async function trapped(browser, storageState, more = {}) {
  const context = await browser.newContext({ storageState, ...more });
  const ran = new Set();
  await context.exposeBinding('ran', (_, number) => ran.add(Number(number)));
  context.on('dialog', (dialog) => {
    ran.add('a dialog');
    void dialog.dismiss();
  });
  // Nobody outside is asked for anything.
  await context.route(/^https?:\/\/(?!127\.0\.0\.1)/, (route) => route.abort());
  return { context, ran };
}

/// Does what people do on a page: opens what is folded, points at, clicks and leaves what is there. What leads to another page does
/// not lead away.
async function poke(page) {
  await page.evaluate(() => {
    const isPage = (address) => /^https?:/.test(new URL(address, document.baseURI).protocol);
    const stop = (event, address) => {
      try {
        if (isPage(address)) event.preventDefault();
      } catch {
        // An address that is none leads nowhere.
      }
    };
    document.addEventListener('submit', (event) => stop(event, event.submitter?.getAttribute('formaction') ?? event.target.getAttribute('action') ?? ''));
    document.addEventListener('click', (event) => {
      const link = event.target.closest('a, area');
      if (link) stop(event, link.getAttribute('href') ?? link.getAttribute('xlink:href') ?? '');
    });
    for (const element of document.querySelectorAll('details')) element.open = true;
    for (const element of document.body?.querySelectorAll('*') ?? []) {
      for (const kind of ['pointerenter', 'mouseover', 'focus', 'blur']) element.dispatchEvent(new Event(kind));
      element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
    }
  });
  // What is put off by a text, or by the browser, has its time.
  await page.waitForTimeout(150);
}

const numbers = (ran) => [...ran].slice(0, 10).join(', ');

/// Pages of the service that name an offer, and what the program's API says, as it is: nothing runs without a policy.
async function sanitiserAlone(browser, world, all, faults) {
  const policies = new Set();
  const has = (path) => !world.routes.pages || world.routes.pages.includes(path);
  const { service, offers, status } = world;
  const { context, ran } = await trapped(browser, world.people.owner);
  await context.route(`${service.url}/**`, async (route) => {
    // The stream of changes never ends, and is no page.
    if (new URL(route.request().url()).pathname === '/events') return route.continue();
    const answer = await route.fetch({ maxRedirects: 0 });
    const headers = answer.headers();
    if (headers['content-security-policy']) policies.add(headers['content-security-policy']);
    delete headers['content-security-policy'];
    await route.fulfill({ response: answer, headers });
  });
  const patterns = [...new Set(ROUTES.filter((row) => row.path.includes('{offer}') && !row.path.startsWith('/unsubscribe')).map((row) => row.path))];
  const addresses = offers.flatMap(({ id, some }) =>
    patterns
      .filter(has)
      .map((path) => path.replace('{publisher}', 'contoso').replace('{offer}', id).replace(/\{[^}]*\}/, '1'))
      .map((path) => ({ id, some, path })),
  );
  const others = ROUTES.filter((row) => !row.path.includes('{') && row.as === 'owner' && has(row.path));
  let shown = 0;
  await each([...addresses, ...others.map(({ path }) => ({ path }))], async ({ path }) => {
    const page = await context.newPage();
    const answer = await page.goto(service.url + path);
    if (answer.ok()) {
      shown += 1;
      await poke(page);
      const there = await page.evaluate(() => typeof window.ran);
      if (there !== 'function') faults.add(path, `the page could not have told: ${there}`);
    }
    if (ran.size > 0) faults.add(path, `ran without a policy: ${numbers(ran)}`);
    ran.clear();
    await page.close();
  });
  const messages = [];
  for (const { id } of offers) messages.push(...(await status(id)).steps[0].messages.map((message) => message.messageHtml));
  faults.same('messages', messages.length, all.length, 'how many there are');
  const [page, own] = [await context.newPage(), `${service.url}/messages`];
  for (let at = 0; at < messages.length; at += OF_AN_OFFER) {
    const body = `<!doctype html><meta charset=utf-8><title>x</title><body>${messages.slice(at, at + OF_AN_OFFER).map((html) => `<div>${html}</div>`).join('')}`;
    await context.route(own, (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }));
    await page.goto(own);
    await poke(page);
    if (ran.size > 0) faults.add('messageHtml', `ran without a policy: ${numbers(ran)}`);
    ran.clear();
    await context.unroute(own);
  }
  await context.close();
  return { shown, policies };
}

/// The texts as they are, on pages with this policy, or without one; gives the numbers of those that ran.
async function uncleaned(browser, url, all, policy) {
  const { context, ran } = await trapped(browser);
  const own = `${url}/uncleaned`;
  const batches = [];
  for (let at = 0; at < all.length; at += ON_A_PAGE) batches.push(all.slice(at, at + ON_A_PAGE));
  await context.route(`${own}/*`, (route) => {
    const some = batches[Number(new URL(route.request().url()).pathname.split('/').pop())];
    if (!some) return route.abort();
    const headers = policy ? { 'content-security-policy': policy } : {};
    const body = `<!doctype html><meta charset=utf-8><title>x</title><body>${some.map((text) => `<div>${text}${AFTER}</div>`).join('\n')}`;
    return route.fulfill({ body, headers, contentType: 'text/html; charset=utf-8' });
  });
  await each(batches.keys(), async (at) => {
    const page = await context.newPage();
    // Some of the texts lead away: what they lead to is nothing.
    await page.goto(`${own}/${at}`, { waitUntil: 'domcontentloaded' }).catch(() => {});
    await poke(page).catch(() => {});
    await page.close();
  });
  await context.close();
  return ran;
}

run('hostile', async (browser, faults) => {
  const all = texts(MANY);
  faults.same('texts', new Set(all).size, MANY, 'how many differ');
  const files = mkdtempSync(join(tmpdir(), 'portolan-hostile-'));
  try {
    const world = await hostileService(all, files, browser);
    // Each policy that pages of the program have is taken away first, and then tried alone.
    const { shown, policies } = await sanitiserAlone(browser, world, all, faults);
    const { url } = world.service;
    for (const policy of policies) {
      const ran = await uncleaned(browser, url, all, policy);
      if (ran.size > 0) faults.add('policy', `ran although the policy is ${policy}: ${numbers(ran)}`);
    }
    faults.same('policies', policies.size > 0, true, 'whether there are any');
    const ran = await uncleaned(browser, url, all);
    // Not every one of them works in every browser; where few do, they prove nothing.
    if (ran.size < MANY / 3) faults.add('texts', `only ${ran.size} ran where nothing stopped them`);
    return `${MANY} texts on ${shown} pages, ${policies.size} policies; ${ran.size} run where nothing stops them`;
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
});
