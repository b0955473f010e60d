// People who use the keyboard alone: they press Tab until what they look for has the focus, then type, or press Enter.

/// The most places that a page may have for Tab.
const MOST_STOPS = 300;

/// What has the focus: its role and its name, as a screen reader says them, and whether the focus can be seen.
async function focused(page, session) {
  const { result } = await session.send('Runtime.evaluate', { expression: 'document.activeElement' });
  if (!result.objectId) return { role: '', name: '' };
  const { nodes } = await session.send('Accessibility.getPartialAXTree', { objectId: result.objectId, fetchRelatives: false });
  const seen = await page.evaluate(() => {
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const middle = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return {
      isBody: element === document.body,
      isOutlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
      isThere: box.width > 0 && box.height > 0,
      isCovered: Boolean(middle) && !element.contains(middle) && !middle.contains(element) && !middle.closest('label')?.contains(element),
    };
  });
  return { role: nodes[0]?.role?.value ?? '', name: nodes[0]?.name?.value ?? '', ...seen };
}

/// Somebody at a keyboard, on one page. What goes wrong is thrown, with what was done up to then.
export class Keyboard {
  done = [];

  static async at(page) {
    const session = await page.context().newCDPSession(page);
    await session.send('Accessibility.enable');
    return new Keyboard(page, session);
  }

  constructor(page, session) {
    this.page = page;
    this.session = session;
  }

  fail(what) {
    throw new Error(`${what}, at ${this.page.url()}, after: ${this.done.join('; ') || 'nothing'}`);
  }

  /// Types an address, as everybody can.
  async open(url) {
    this.done.push(`open ${url}`);
    const answer = await this.page.goto(url);
    if (!answer.ok()) this.fail(`it is answered ${answer.status()}`);
  }

  /// Presses Tab until something of this role has the focus whose name holds the words, or fits the pattern.
  async reach(role, name) {
    const fits = (found) => found.role === role && (name instanceof RegExp ? name.test(found.name) : found.name.includes(name));
    const passed = [];
    for (let stops = 0; stops < MOST_STOPS; stops += 1) {
      const found = await focused(this.page, this.session);
      if (stops > 0 && !found.isBody) {
        if (!found.isThere) this.fail(`the focus is on ${found.role} “${found.name}”, which cannot be seen`);
        if (!found.isOutlined) this.fail(`it cannot be seen that ${found.role} “${found.name}” has the focus`);
        if (found.isCovered) this.fail(`something lies over ${found.role} “${found.name}”, which has the focus`);
      }
      if (fits(found)) {
        this.done.push(`reach ${role} “${found.name}”`);
        return;
      }
      if (!found.isBody) passed.push(`${found.role} “${found.name}”`);
      // Behind the last place the browser's own come, which are none here: the first comes again.
      if (passed.length > 1 && new Set(passed).size < passed.length / 2) break;
      await this.page.keyboard.press('Tab');
    }
    this.fail(`no ${role} “${name}” is reached by Tab; there are ${[...new Set(passed)].join(', ') || 'none'}`);
  }

  /// Presses a key; what it leads to has loaded when it comes back.
  async press(key) {
    this.done.push(`press ${key}`);
    await this.page.keyboard.press(key);
    await this.page.waitForLoadState('load');
  }

  /// Reaches a link or button, and presses Enter there, which leads to another page.
  async go(role, name) {
    await this.reach(role, name);
    this.done.push('press Enter');
    const led = this.page.waitForEvent('framenavigated', { timeout: 10_000 }).catch(() => this.fail('Enter leads nowhere'));
    await this.page.keyboard.press('Enter');
    await led;
    await this.page.waitForLoadState('load');
  }

  /// Reaches a field, and types a text in place of what is in it.
  async fill(name, text, role = 'textbox') {
    await this.reach(role, name);
    this.done.push(`type ${text}`);
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.type(text);
  }

  /// Reaches a box or a choice, and marks it.
  async mark(role, name) {
    await this.reach(role, name);
    this.done.push('press Space');
    await this.page.keyboard.press('Space');
  }

  /// Reaches the choices of a group, and goes to one of them: Tab comes to one choice of a group alone.
  async choose(name) {
    for (let groups = 0; groups < 6; groups += 1) {
      await this.reach('radio', /./);
      for (let steps = 0; steps < 8; steps += 1) {
        const found = await focused(this.page, this.session);
        if (name.test(found.name)) {
          await this.page.keyboard.press('Space');
          this.done.push(`choose “${found.name}”`);
          return;
        }
        await this.page.keyboard.press('ArrowDown');
      }
      await this.page.keyboard.press('Tab');
    }
    this.fail(`no choice “${name}” is reached`);
  }

  /// What the page says.
  text() {
    return this.page.evaluate(() => document.body.innerText);
  }

  /// Waits until the page says something; without script it is loaded again for that, as people do.
  async see(words, milliseconds = 5_000) {
    const began = Date.now();
    for (;;) {
      const text = await this.text();
      if (words instanceof RegExp ? words.test(text) : text.includes(words)) break;
      if (Date.now() - began > milliseconds) this.fail(`it does not say “${words}”, but “${text.replace(/\s+/g, ' ').slice(0, 300)}”`);
      await this.page.waitForTimeout(100);
      if (!this.hasScript) await this.page.reload();
    }
    this.done.push(`see “${words}”`);
  }
}
