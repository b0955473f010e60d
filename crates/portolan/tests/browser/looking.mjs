// How a page is opened: in which theme, width and language, by whom, and with an eye on what it loads and complains of.

export const THEMES = ['light', 'dark'];
export const WIDTHS = [1280, 320];
/// What browsers ask for, and what they get.
const SERVED = { 'zh-CN': 'zh-Hans' };
export const LANGUAGES = ['en', 'zh-CN'];

/// A browser of one person in one language and width; pages of it share nothing with others.
export function contextOf(browser, world, { as, language = 'en', width = 1280, theme = 'light', script = true, more = {} }) {
  return browser.newContext({
    locale: language,
    viewport: { width, height: 900 },
    colorScheme: theme,
    javaScriptEnabled: script,
    storageState: world.people[as],
    reducedMotion: 'reduce',
    ...more,
  });
}

/// Opens an address, and says as faults what every page has to keep to: the expected status, no request to another host, no
/// complaint of the browser, and, where it is asked for, the language. Gives the page, and what it weighs in bytes.
export async function open(context, address, faults, where, { language } = {}) {
  const page = await context.newPage();
  const host = new URL(address.url).host;
  let weight = 0;
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const kinds = new Map();
  session.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (['Document', 'Stylesheet', 'Script'].includes(kinds.get(requestId))) weight += encodedDataLength;
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.host !== host) faults.add(where, `it asks ${url.host} for ${url}`);
  });
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    // The browser says so of the page itself, where it is meant to be an error.
    const isItself = message.location().url === page.url() && /status of 4\d\d/.test(message.text());
    if (!(isItself && address.status >= 400)) faults.add(where, `the browser complains: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.add(where, `a script broke: ${error}`));
  const answer = await page.goto(address.url, { waitUntil: 'load' });
  faults.same(where, answer.status(), address.status ?? 200, 'the status');
  if (address.leads && !page.url().includes(address.leads)) faults.add(where, `it leads to ${page.url()}`);
  if (!address.leads && page.url() !== address.url) faults.add(where, `it leads to ${page.url()}`);
  if (language) faults.same(where, await page.evaluate(() => document.documentElement.lang), SERVED[language] ?? language, 'the language');
  return { page, weight: () => weight };
}

/// How far the page can be scrolled sideways, in pixels, and what sticks out most.
export function sideways(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    const over = root.scrollWidth - window.innerWidth;
    if (over <= 0) return undefined;
    const widest = [...document.body.querySelectorAll('*')]
      .map((element) => [element.getBoundingClientRect().right, element])
      .sort(([one], [other]) => other - one)[0];
    return `it scrolls sideways by ${over} px; widest is ${widest?.[1].cloneNode(false).outerHTML ?? 'nothing'}`;
  });
}
