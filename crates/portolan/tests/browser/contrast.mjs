// The colours of the stylesheet, as the browser computes them in both themes: every pair that stands together is told apart well enough.

import { contextOf, THEMES } from './looking.mjs';
import { running } from './service.mjs';
import { run } from './suite.mjs';

const TONES = ['neutral', 'going', 'waiting', 'good', 'bad'];

/// Text, the paper it stands on, and how much brighter one is at least than the other (WCAG 2.2, 1.4.3).
const TEXTS = [
  ...['--paper', '--card', '--field'].flatMap((paper) => ['--ink', '--quiet', '--deed'].map((text) => [text, paper])),
  ['--on-deed', '--deed'],
  ['--banner', '--banner-paper'],
  ...TONES.flatMap((tone) => [`--${tone}-paper`, '--paper', '--card'].map((paper) => [`--${tone}`, paper])),
].map((pair) => [...pair, 4.5]);

/// What alone marks a control or its focus (1.4.11): the edge of a field and of a button, the ring around what has the focus.
const MARKS = ['--paper', '--card', '--field'].flatMap((paper) => ['--edge', '--deed'].map((mark) => [mark, paper, 3]));

/// Lines that only please the eye: the same is told by space and words.
const ORNAMENTS = ['--line'];

/// The tokens of colour that the page's stylesheets name, each as the browser computes it: red, green and blue, 0 to 255.
function tokens(page) {
  return page.evaluate(() => {
    const names = new Set();
    const read = (rules) => {
      for (const rule of rules) {
        for (const name of rule.style ?? []) if (name.startsWith('--')) names.add(name);
        if (rule.cssRules) read(rule.cssRules);
      }
    };
    for (const sheet of document.styleSheets) read(sheet.cssRules);
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    // What a token says may depend on the theme: an element that has it says what comes of it.
    const probe = document.body.appendChild(document.createElement('p'));
    const found = {};
    for (const name of names) {
      if (!CSS.supports('color', getComputedStyle(probe).getPropertyValue(name).trim())) continue;
      probe.style.color = `var(${name})`;
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = getComputedStyle(probe).color;
      canvas.fillRect(0, 0, 1, 1);
      found[name] = [...canvas.getImageData(0, 0, 1, 1).data];
    }
    return found;
  });
}

/// How bright a colour is, 0 to 1, as WCAG has it.
function luminance([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one, other) {
  const [bright, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}

run('contrast', async (browser, faults) => {
  const { url } = running();
  const world = { people: {} };
  const pairs = [...TEXTS, ...MARKS];
  let lowest = Infinity;
  for (const theme of THEMES) {
    const context = await contextOf(browser, world, { as: 'nobody', theme });
    const page = await context.newPage();
    await page.goto(`${url}/invitation`);
    const found = await tokens(page);
    const missing = new Set(pairs.flatMap(([text, paper]) => [text, paper]).filter((name) => !found[name]));
    for (const name of missing) faults.add(theme, `the stylesheet has no colour ${name}`);
    for (const [text, paper, least] of pairs.filter((pair) => !pair.some((name) => missing.has(name)))) {
      const [one, other] = [found[text], found[paper]];
      const ratio = contrast(one, other);
      if (least === 4.5) lowest = Math.min(lowest, ratio);
      if (ratio < least) faults.add(theme, `${text} on ${paper} is ${ratio.toFixed(2)} to 1, and has to be ${least}`);
    }
    for (const [name, [, , , alpha]] of Object.entries(found)) {
      if (alpha !== 255) faults.add(theme, `${name} lets through what is behind it, so nobody knows its contrast`);
      const known = ORNAMENTS.includes(name) || pairs.some((pair) => pair.includes(name));
      if (!known) faults.add(theme, `${name} is in no pair of contrast.mjs`);
    }
    // Whoever chose the theme has the same colours, whatever the system's is.
    const other = THEMES.find((one) => one !== theme);
    const chosen = await contextOf(browser, world, { as: 'nobody', theme: other });
    await chosen.addCookies([{ name: 'portolan-display', value: `.${theme}.own`, url }]);
    const second = await chosen.newPage();
    await second.goto(`${url}/invitation`);
    faults.same(`${theme}, which was chosen where the system is ${other}`, await tokens(second), found, 'the colours');
    await Promise.all([context.close(), chosen.close()]);
  }
  return `${pairs.length} pairs in ${THEMES.length} themes, the lowest of text ${lowest.toFixed(2)} to 1`;
});
