// Every page of the web door: at which addresses it is opened, by whom, and what has to be there before.

import { call, invite } from './service.mjs';

/// The offers of the demo: one in every state.
export const OFFERS = [
  'vm-never-published',
  'core-vm-not-started',
  'vm-in-progress',
  'container-waiting-for-approval',
  'vm-blocked',
  'vm-waiting-for-sign-off',
  'app-running-after-go-live',
  'saas-live',
  'vm-live-update-in-review',
  'iot-edge-canceled',
  'vm-failed',
];

/// Where there is no route.
const NOWHERE = '*';

const at = (offer, rest = '') => `/publishers/contoso/offers/${offer}${rest}`;
const LISTING = '/listings/{publisher}/{offer}';
const OFFER = '/publishers/{publisher}/offers/{offer}';

/// The address at which the built-in issuer asks for mail address and password.
async function authorize({ service }) {
  const answer = await fetch(`${service.url}/sign-in?at=built-in&then=/account`, { redirect: 'manual' });
  return answer.headers.get('location');
}

/// Publishes an offer that tells people by mail, and gives the addresses in the mails that end them: of one offer to one address, and
/// of a member's subscription.
async function unsubscribe(world) {
  const { service, people } = world;
  const jar = people.owner.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const account = await (await fetch(`${service.url}/account`, { headers: { cookie: jar } })).text();
  const form_token = account.match(/name="form_token" value="([^"]*)"/)[1];
  const form = new URLSearchParams({ form_token, at: 'contoso', wanted: 'yes' });
  await fetch(`${service.url}/account/mails`, { method: 'POST', body: form, headers: { cookie: jar }, redirect: 'manual' });
  const offer = { offer: 'contoso/mailed' };
  await call(service, 'POST', '/emulator/reach', { ...offer, status: 'neverPublished' });
  const metadata = { 'notification-emails': 'release@contoso.example' };
  await call(service, 'POST', '/api/publishers/contoso/offers/mailed/publish', { metadata });
  await call(service, 'POST', '/emulator/reach', { ...offer, status: 'failed' });
  // Mails go out a moment later.
  await call(service, 'POST', '/emulator/advance', { by: '5m' });
  const links = JSON.stringify(await call(service, 'GET', '/emulator/outbox')).match(/https?:[^"\\\s<>&]*\/unsubscribe\/[^"\\\s<>&]+/g) ?? [];
  const ofParts = (many) => links.find((link) => new URL(link).pathname.split('/').length === many);
  return { ofSubscription: ofParts(3), ofOffer: ofParts(5) };
}

/// The same for all who ask.
const once = (find) => (world) => (world.found ??= new Map()).get(find) ?? world.found.set(find, find(world)).get(find);
const mails = once(unsubscribe);

/// What waits for a reviewer: the path of one review.
async function review({ service }) {
  const [first] = await call(service, 'GET', '/api/reviews', undefined, service.reviewer);
  return `/reviews/${first.operationId}/${first.stepId}`;
}

/// A member of this circle that is a program, made where there is none.
async function member({ service }, circle) {
  const path = circle === 'marketplace' ? '/api/staff' : `/api/publishers/${circle}/members`;
  const roles = circle === 'marketplace' ? ['auditor'] : ['reader'];
  const added = await call(service, 'POST', path, { kind: 'servicePrincipal', name: `robot of ${circle}`, roles });
  return added.member.id;
}

/// A webhook of this circle.
async function webhook({ service }, circle) {
  const path = circle === 'marketplace' ? '/api/subscriptions' : `/api/publishers/${circle}/subscriptions`;
  const made = await call(service, 'POST', path, { url: 'https://hooks.contoso.example/portolan' });
  return (made.subscription ?? made).id;
}

/// A letter that the emulator would have sent.
async function letter(world) {
  await mails(world);
  const sent = await call(world.service, 'GET', '/emulator/outbox');
  return `/emulator/outbox/${(sent.value ?? sent)[0].number}`;
}

/// The same for all who ask, for each circle.
const forEach = (find) => {
  const kept = new Map();
  return (world, of = '') => kept.get(of) ?? kept.set(of, find(world, of)).get(of);
};
const aReview = forEach(review);
const aMember = forEach(member);
const aWebhook = forEach(webhook);
const aLetter = forEach(letter);
const CONTOSO = '/publishers/{publisher}';

/// The pages of the two kinds of circle: whose members and webhooks they show, who opens them, and at which address.
const CIRCLES = [
  { path: CONTOSO, of: 'contoso', as: 'owner', at: '/publishers/contoso' },
  { path: '/marketplace', of: 'marketplace', as: 'operator', at: '/marketplace' },
];
const ofCircles = CIRCLES.flatMap(({ path, of, as, at }) => [
  { path: `${path}/access`, as, open: [`${at}/access`] },
  { path: `${path}/access/{member}`, as, open: async (world) => [`${at}/access/${await aMember(world, of)}`] },
  { path: `${path}/access/{member}/remove`, as, open: async (world) => [`${at}/access/${await aMember(world, of)}/remove`] },
  { path: `${path}/notifications`, as, open: [`${at}/notifications`] },
  { path: `${path}/notifications/{subscription}`, as, open: async (world) => [`${at}/notifications/${await aWebhook(world, of)}`] },
  {
    path: `${path}/notifications/{subscription}/remove`,
    as,
    open: async (world) => [`${at}/notifications/${await aWebhook(world, of)}/remove`],
  },
]);

/// One row for each pattern of a page, in any order: `path` as the program has it; `as` who opens it; `open` addresses, or a
/// function that finds them; `status` where it is not 200; `leads` where the page only sends on.
export const ROUTES = [
  { path: NOWHERE, as: 'nobody', status: 404, open: ['/nowhere/at/all'] },
  { path: NOWHERE, as: 'owner', status: 404, open: ['/nowhere/at/all'] },
  { path: '/', as: 'nobody', leads: 'authorize', open: ['/'] },
  { path: '/', as: 'owner', leads: '/offers', open: ['/'] },
  { path: '/', as: 'reviewer', leads: '/', open: ['/'] },
  ...ofCircles,
  { path: '/access', as: 'operator', open: ['/access'] },
  { path: '/notifications', as: 'operator', open: ['/notifications'] },
  { path: '/audit', as: 'owner', open: ['/audit'] },
  { path: '/audit', as: 'operator', open: ['/audit?of=$marketplace', '/audit?since=never'] },
  { path: '/offers/new', as: 'owner', open: ['/offers/new'] },
  { path: `${OFFER}/edit`, as: 'owner', open: [at('vm-failed', '/edit?at=/definition/displayText'), at('saas-live', '/edit?as=json')] },
  { path: `${OFFER}/edit`, as: 'reviewer', open: [at('vm-blocked', '/edit')] },
  { path: `${OFFER}/publish`, as: 'owner', open: [at('vm-never-published', '/publish'), at('vm-in-progress', '/publish')] },
  { path: `${OFFER}/golive`, as: 'owner', open: [at('vm-waiting-for-sign-off', '/golive'), at('vm-failed', '/golive')] },
  { path: `${OFFER}/cancel`, as: 'owner', open: [at('vm-in-progress', '/cancel')] },
  { path: `${OFFER}/rollback`, as: 'owner', open: [at('saas-live', '/rollback')] },
  { path: `${OFFER}/diff`, as: 'owner', open: [at('vm-live-update-in-review', '/diff?from=live&to=draft'), at('saas-live', '/diff')] },
  { path: `${OFFER}/submissions`, as: 'owner', open: [at('saas-live', '/submissions'), at('vm-never-published', '/submissions')] },
  { path: `${OFFER}/submissions/{number}`, as: 'owner', open: [at('vm-failed', '/submissions/1')] },
  { path: '/reviews', as: 'reviewer', open: ['/reviews', '/reviews?q=nothing-has-this-name'] },
  { path: '/reviews/{operation}', as: 'reviewer', leads: '/reviews/', open: async (world) => [(await aReview(world)).split('/').slice(0, 3).join('/')] },
  { path: '/reviews/{operation}/{step}', as: 'reviewer', open: async (world) => [await aReview(world)] },
  { path: '/emulator', as: 'owner', open: ['/emulator'] },
  { path: '/emulator', as: 'nobody', open: ['/emulator'] },
  { path: '/emulator/outbox', as: 'owner', open: ['/emulator/outbox'] },
  { path: '/emulator/outbox/{number}', as: 'owner', open: async (world) => [await aLetter(world)] },
  { path: '/emulator/panel/reset', as: 'owner', open: ['/emulator/panel/reset'] },
  { path: '/emulator/requests', as: 'owner', open: ['/emulator/requests'] },
  { path: '/docs', as: 'nobody', open: ['/docs'] },
  { path: '/docs/api', as: 'nobody', open: ['/docs/api'] },
  { path: '/docs/api/{operation}', as: 'nobody', open: ['/docs/api/get_offer_status', '/docs/api/publish_offer'] },
  { path: '/docs/api/schemas/{name}', as: 'nobody', open: ['/docs/api/schemas/StatusDocument'] },
  { path: '/docs/rules', as: 'nobody', open: ['/docs/rules'] },
  { path: '/docs/rules/{code}', as: 'nobody', open: ['/docs/rules/Reused'] },
  { path: '/docs/rules/{code}', as: 'nobody', open: ['/docs/rules/IMG-048'] },
  { path: '/account', as: 'owner', open: ['/account'] },
  { path: '/account', as: 'operator', open: ['/account'] },
  { path: LISTING, as: 'nobody', open: ['/listings/contoso/saas-live'] },
  { path: LISTING, as: 'nobody', status: 404, open: ['/listings/contoso/none'] },
  { path: `${LISTING}/preview`, as: 'owner', open: ['/listings/contoso/vm-waiting-for-sign-off/preview'] },
  { path: '/offers', as: 'owner', open: ['/offers', '/offers?q=nothing-has-this-name'] },
  { path: '/offers', as: 'operator', open: ['/offers'] },
  { path: OFFER, as: 'owner', open: OFFERS.map((offer) => at(offer)) },
  { path: OFFER, as: 'owner', status: 404, open: [at('none')] },
  { path: '/display', as: 'owner', open: ['/display'] },
  { path: '/sign-in/link', as: 'nobody', status: 404, open: ['/sign-in/link?code=none'] },
  { path: '/sign-in', as: 'nobody', leads: 'authorize', open: ['/sign-in'] },
  { path: '/sign-in/callback', as: 'nobody', status: 400, open: ['/sign-in/callback?state=none&code=none'] },
  { path: '/setup', as: 'nobody', open: ['/setup'] },
  { path: '/invitation', as: 'nobody', open: ['/invitation', '/invitation?secret=none'] },
  { path: '/{tenant}/oauth2/v2.0/authorize', as: 'nobody', open: async (world) => [await authorize(world)] },
  { path: '/unsubscribe/{subscription}', as: 'nobody', open: async (world) => [(await mails(world)).ofSubscription] },
  { path: '/unsubscribe/{subscription}', as: 'nobody', status: 404, open: ['/unsubscribe/none'] },
  { path: '/unsubscribe/{publisher}/{offer}/{receiver}', as: 'nobody', open: async (world) => [(await mails(world)).ofOffer] },
  { path: '/unsubscribe/{publisher}/{offer}/{receiver}', as: 'nobody', status: 404, open: ['/unsubscribe/contoso/none/none'] },
];

/// Patterns that are no pages: what they answer is loaded by pages, or is a file.
export const NO_PAGES = [/^\/assets\//, /^\/events$/, /^\/audit\.(csv|jsonl)$/, /\/diff\.json$/];

/// Every address at which a browser can send a form, and what the form holds.
export const FORMS = [
  ...CIRCLES.flatMap(({ path, of, as, at }) => [
    { path: `${path}/access`, as, open: `${at}/access`, fields: { kind: 'servicePrincipal', name: 'mallory', role: 'owner' } },
    { path: `${path}/access/{member}`, as, open: async (world) => `${at}/access/${await aMember(world, of)}`, fields: { deed: 'secret' } },
    { path: `${path}/access/{member}/remove`, as, open: async (world) => `${at}/access/${await aMember(world, of)}/remove`, fields: {} },
    { path: `${path}/notifications`, as, open: `${at}/notifications`, fields: { deed: 'add', url: 'https://evil.example/' } },
    { path: `${path}/notifications/{subscription}`, as, open: async (world) => `${at}/notifications/${await aWebhook(world, of)}`, fields: { deed: 'rotate' } },
    { path: `${path}/notifications/{subscription}/remove`, as, open: async (world) => `${at}/notifications/${await aWebhook(world, of)}/remove`, fields: {} },
  ]),
  { path: '/offers/new', as: 'owner', open: '/offers/new', fields: { publisher: 'contoso', type: 'microsoft-azure-virtualmachines', id: 'evil', name: 'Evil' } },
  { path: `${OFFER}/edit`, as: 'owner', open: at('vm-failed', '/edit'), fields: { json: '{}' } },
  { path: `${OFFER}/publish`, as: 'owner', open: at('vm-never-published', '/publish'), fields: {} },
  { path: `${OFFER}/golive`, as: 'owner', open: at('vm-waiting-for-sign-off', '/golive'), fields: {} },
  { path: `${OFFER}/cancel`, as: 'owner', open: at('vm-in-progress', '/cancel'), fields: {} },
  { path: `${OFFER}/rollback`, as: 'owner', open: at('saas-live', '/rollback'), fields: {} },
  { path: '/reviews/{operation}/{step}', as: 'reviewer', open: aReview, fields: { deed: 'approve' } },
  { path: '/emulator/panel/reset', as: 'owner', open: '/emulator/panel/reset', fields: {} },
  { path: '/emulator/panel/{deed}', as: 'owner', open: '/emulator/panel/advance', fields: { by: '1d' } },
  { path: '/account/sessions/end', as: 'owner', open: '/account/sessions/end', fields: { session: 'all' } },
  { path: '/account/mails', as: 'owner', open: '/account/mails', fields: { at: 'contoso', wanted: 'yes' } },
  { path: '/display', as: 'owner', open: '/display', fields: { language: 'zh-Hans', theme: 'dark', then: '/account' } },
  { path: '/sign-out', as: 'owner', open: '/sign-out', fields: {} },
  {
    path: '/setup',
    as: 'owner',
    open: '/setup',
    fields: { secret: 'pset_none', name: 'Mallory', mail: 'mallory@evil.example', password: 'a long password of hers', again: 'a long password of hers' },
  },
  {
    path: '/invitation',
    as: 'owner',
    open: '/invitation',
    fields: async ({ service }) => ({
      secret: await invite(service, { name: 'Eve', mail: 'eve@contoso.example', at: '/api/publishers/contoso/members', roles: ['owner'] }),
      password: 'a long password of hers',
      again: 'a long password of hers',
    }),
  },
  {
    path: '/{tenant}/oauth2/v2.0/authorize',
    as: 'owner',
    open: authorize,
    fields: { mail: 'jane@contoso.example', password: 'correct horse battery' },
  },
  { path: '/unsubscribe/{subscription}', anybody: true, as: 'owner', open: '/unsubscribe/none', fields: {} },
  { path: '/unsubscribe/{publisher}/{offer}/{receiver}', anybody: true, as: 'owner', open: '/unsubscribe/contoso/none/none', fields: {} },
];

/// The rows of the routes that the program has; a route without a row is a fault, and so is a row without a route.
export function rows(table, patterns, faults) {
  if (!patterns) return table;
  const isPage = (path) => !NO_PAGES.some((pattern) => pattern.test(path));
  for (const path of patterns.filter(isPage)) {
    if (!table.some((row) => row.path === path)) faults.add(path, 'the route is missing from routes.mjs');
  }
  for (const { path } of table) {
    if (path !== NOWHERE && !patterns.includes(path)) faults.add(path, 'routes.mjs has a row for it, but the program has no such route');
  }
  return table.filter(({ path }) => path === NOWHERE || patterns.includes(path));
}

/// Every address of these rows that has this part, each with who opens it and what is expected.
export async function addresses(rows, world, part = '') {
  const found = [];
  for (const { path, as, status = 200, leads, open, ...rest } of rows) {
    const places = typeof open === 'function' ? await open(world) : open;
    for (const place of places) if (!place) throw new Error(`There is no address for ${path}.`);
    for (const place of places) found.push({ path, as, status, leads, ...rest, url: new URL(place, world.service.url).toString() });
  }
  return found.filter(({ url }) => url.includes(part));
}

/// An address as faults name it.
export function shortly({ url, as }) {
  const { pathname, search } = new URL(url);
  return `${pathname}${search.slice(0, 40)} (${as})`;
}
