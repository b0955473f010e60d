// What people come for, done by keyboard alone: once with script and once without.

import { contextOf } from './looking.mjs';
import { Keyboard } from './keyboard.mjs';
import { call, people, running, signIn } from './service.mjs';
import { routesOf, run } from './suite.mjs';

const OFFER = '/publishers/{publisher}/offers/{offer}';

/// Brings an offer somewhere, by the emulator.
const reach = ({ service }, offer, where) => call(service, 'POST', '/emulator/reach', { offer: `contoso/${offer}`, ...where });

const status = async ({ service }, offer) => (await call(service, 'GET', `/api/publishers/contoso/offers/${offer}/status`)).status;

/// Lets whatever is due within this time happen.
const advance = ({ service }, by) => call(service, 'POST', '/emulator/advance', { by });

const at = (offer, rest = '') => `/publishers/contoso/offers/${offer}${rest}`;

/// Each task: what it needs of the program, who does it, what is there before, what is done at the keyboard, and what is so after it.
/// `offer` is another one each time.
const TASKS = [
  {
    name: 'publish a draft',
    needs: [`${OFFER}/publish`],
    as: 'owner',
    before: (world, offer) => reach(world, offer, { status: 'neverPublished' }),
    async act(keys, { offer, url }) {
      await keys.open(url + at(offer));
      await keys.go('link', /^Publish the draft/);
      await keys.go('button', /^Publish draft/);
    },
    after: async (world, offer) => ['running', await status(world, offer)],
  },
  {
    name: 'go live',
    needs: [`${OFFER}/golive`],
    as: 'owner',
    before: (world, offer) => reach(world, offer, { status: 'waitingForPublisherReview' }),
    async act(keys, { offer, url }) {
      await keys.open(url + at(offer));
      await keys.go('link', /^Go live/);
      await keys.go('button', /^Go live/);
    },
    async after(world, offer) {
      await advance(world, '30d');
      return ['succeeded', await status(world, offer)];
    },
  },
  {
    name: 'cancel',
    needs: [`${OFFER}/cancel`],
    as: 'owner',
    before: (world, offer) => reach(world, offer, { step: 'displaycertify', stepStatus: 'waitingForApproval' }),
    async act(keys, { offer, url }) {
      await keys.open(url + at(offer));
      await keys.go('link', /^Cancel/);
      await keys.go('button', /^Cancel/);
    },
    after: async (world, offer) => ['canceled', await status(world, offer)],
  },
  {
    name: 'approve a review',
    needs: ['/reviews', '/reviews/{operation}/{step}'],
    as: 'reviewer',
    before: (world, offer) => reach(world, offer, { step: 'displaycertify', stepStatus: 'waitingForApproval' }),
    async act(keys, { offer, url }) {
      await keys.open(`${url}/reviews?q=${offer}`);
      await keys.go('link', /Contoso/);
      await keys.go('button', /^Approve/);
    },
    async after({ service }, offer) {
      const reviews = await call(service, 'GET', '/api/reviews', undefined, service.reviewer);
      return [false, reviews.some((review) => review.offerId === offer)];
    },
  },
  {
    name: 'add a member and make a secret',
    needs: ['/publishers/{publisher}/access'],
    as: 'owner',
    async act(keys, { offer, url }) {
      await keys.open(`${url}/publishers/contoso/access`);
      await keys.choose(/service principal/i);
      await keys.fill('Name', `robot-${offer}`);
      await keys.choose(/reader/);
      await keys.go('button', /^Add a member/);
      await keys.see(/portolan login/);
    },
    async after({ service }, offer) {
      const members = await call(service, 'GET', '/api/publishers/contoso/members');
      return [true, JSON.stringify(members).includes(`robot-${offer}`)];
    },
  },
  {
    name: 'mend a field in the editor and publish again',
    needs: [`${OFFER}/edit`, `${OFFER}/publish`],
    as: 'owner',
    before: (world, offer) => reach(world, offer, { status: 'failed' }),
    async act(keys, { offer, url }) {
      await keys.open(url + at(offer));
      await keys.go('link', /^Edit/);
      await keys.fill(/summary/i, 'A summary that is mended.');
      await keys.go('button', /^Save/);
      await keys.go('link', /^Publish/);
      await keys.go('button', /^Publish draft/);
    },
    async after(world, offer) {
      const draft = JSON.stringify(await call(world.service, 'GET', `/api/publishers/contoso/offers/${offer}`));
      return [['running', true], [await status(world, offer), draft.includes('A summary that is mended.')]];
    },
  },
  {
    name: 'end another session',
    needs: ['/account'],
    as: 'owner',
    async act(keys, { url }) {
      await keys.open(`${url}/account`);
      await keys.go('button', /^End it/);
      await keys.see('this one');
    },
    after: () => [true, true],
  },
];

run('tasks', async (browser, faults) => {
  const service = running();
  const world = { service, people: await people(service, browser) };
  const { pages, forms } = await routesOf(service);
  let done = 0;
  for (const script of [true, false]) {
    // Somebody is signed in elsewhere too.
    await signIn(service, browser, 'owner');
    for (const [number, task] of TASKS.entries()) {
      const where = `${task.name}, ${script ? 'with' : 'without'} script`;
      const missing = task.needs.filter((path) => pages && ![...pages, ...forms].includes(path));
      if (missing.length > 0) {
        faults.add(where, `the program has no ${missing.join(', ')}`);
        continue;
      }
      const offer = `task-${number}-${script ? 'script' : 'plain'}`;
      const context = await contextOf(browser, world, { as: task.as, script });
      try {
        await task.before?.(world, offer);
        const keys = await Keyboard.at(await context.newPage());
        keys.hasScript = script;
        await task.act(keys, { offer, url: service.url });
        const [expected, found] = await task.after(world, offer);
        faults.same(where, found, expected, 'what came of it');
        done += 1;
      } catch (error) {
        faults.add(where, error.message);
      }
      await context.close();
    }
  }
  return `${done} of ${TASKS.length * 2} done`;
});
