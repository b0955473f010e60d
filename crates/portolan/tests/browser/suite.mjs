// What all suites share: the browser, the service, its people, work side by side, and how faults are told.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

// `./test` installs what package.json names there.
const TOOLS = process.env.PAGES_TOOLS ?? new URL('../../../../target/tools/browser/', import.meta.url).pathname;
const require = createRequire(join(TOOLS, 'package.json'));
const { chromium } = require('playwright-core');

export const AXE = () => readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const API_VERSION = 'api-version=2017-10-31';

/// The browser of the machine; none is downloaded.
function program() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((place) => names.map((name) => join(place, name)));
  const found = process.env.PAGES_CHROMIUM ?? places.find(existsSync);
  if (!found) throw new Error('There is no chromium. Install it, or say in PAGES_CHROMIUM where it is.');
  return found;
}

export function launch() {
  const args = ['--disable-dev-shm-usage', '--force-color-profile=srgb'];
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return chromium.launch({ executablePath: program(), args });
}

/// Faults of one suite. Each is told when it is found, and all together decide how the suite ends.
export class Faults {
  count = 0;

  constructor(suite) {
    this.suite = suite;
    this.began = Date.now();
  }

  add(where, what) {
    this.count += 1;
    console.log(`FAULT ${where}: ${what}`);
  }

  /// Adds a fault where the two are not the same.
  same(where, found, expected, what) {
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    this.add(where, `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }

  /// Ends the process, as the faults say.
  end(done) {
    const seconds = ((Date.now() - this.began) / 1000).toFixed(1);
    console.log(`${this.suite}: ${done}; ${this.count} faults; ${seconds} s`);
    process.exit(this.count === 0 ? 0 : 1);
  }
}

/// Does the work for each of many, as many at once as there are processors.
export async function each(many, work, atOnce = Math.min(4, availableParallelism())) {
  const left = [...many];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/// Waits until something is so; gives the milliseconds that took, or nothing where it did not come.
export async function until(isSo, milliseconds) {
  const began = Date.now();
  for (;;) {
    if (await isSo()) return Date.now() - began;
    if (Date.now() - began > milliseconds) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/// The patterns of pages that the program has, and those that take forms, of the list that `pages.rs` gives: the service says of each
/// path by which methods it is asked. Nothing where a suite is run by hand.
export async function routesOf(service) {
  if (!process.env.PAGES_PATHS) return {};
  const found = { pages: [], forms: [] };
  await each(JSON.parse(process.env.PAGES_PATHS), async (path) => {
    // The emulator's own door is in front of these, and names no methods.
    if (path.startsWith('/emulator')) {
      if (!path.endsWith('{deed}')) found.pages.push(path);
      if (path.includes('/panel/')) found.forms.push(path);
      return;
    }
    const url = service.url + path.replace(/\{[^}]*\}/g, 'x');
    const allowed = (await fetch(url, { method: 'DELETE' })).headers.get('allow') ?? '';
    if (!/GET|POST/.test(allowed)) throw new Error(`${path} says not by which methods it is asked, but “${allowed}”`);
    if (allowed.includes('GET')) found.pages.push(path);
    if (allowed.includes('POST')) found.forms.push(path);
  });
  return found;
}

/// Runs a suite, and ends the process: 0 where there was no fault.
export async function run(name, suite) {
  const faults = new Faults(name);
  const browser = await launch();
  try {
    const done = await suite(browser, faults);
    await browser.close();
    faults.end(done);
  } catch (error) {
    faults.add(name, error.stack ?? error);
    await browser.close();
    faults.end('it broke off');
  }
}
