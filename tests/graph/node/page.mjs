// node page.mjs PACKAGES BROWSER PAGE RESULT [PICTURES]: uses PAGE in the browser as a reader would, and writes what it
// saw into the file RESULT as JSON; with PICTURES, screenshots into that folder too. PACKAGES is where npm has installed
// the packages of package.json.
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [packages, executablePath, file, resultFile, pictures] = process.argv.slice(2);
const {chromium} = createRequire(join(resolve(packages), 'package.json'))('playwright-core');
const address = pathToFileURL(resolve(file)).href;
const seen = {errors: [], requests: []};

const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});

async function open(options) {
  const context = await browser.newContext({...options, acceptDownloads: true});
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  page.on('console', (message) => seen.errors.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('request', (request) => { if (!/^(file|blob|data):/.test(request.url())) seen.requests.push(request.url()); });
  const begin = Date.now();
  await page.goto(address);
  seen.openedWithin ??= Date.now() - begin;
  return page;
}

const labels = (page) => page.locator('.node').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('aria-label')));
const selected = (page) => page.locator('.node.selected').getAttribute('data-key', {timeout: 500}).catch(() => null);

async function use(page) {
  seen.atFirst = await labels(page);
  seen.scopes = await page.locator('#scopes .link').allTextContents();
  seen.frames = await page.locator('.frame text').allTextContents();
  seen.status = await page.locator('#status').textContent();
  seen.toolbar = await page.locator('#controls').evaluate((element) => element.clientHeight);
  seen.allInSight = await page.locator('.node').evaluateAll((nodes) => {
    const canvas = document.getElementById('canvas').getBoundingClientRect();
    return nodes.every((node) => {
      const {left, right, top, bottom} = node.getBoundingClientRect();
      return left >= canvas.left && right <= canvas.right && top >= canvas.top && bottom <= canvas.bottom;
    });
  });
  seen.tree = await page.locator('#scopes [role=treeitem]').evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label')));
  if (seen.tree.length) {
    await page.locator('#scopes [role=treeitem]').first().focus();
    await page.keyboard.press('ArrowRight');
    seen.treeOpened = await page.locator('#scopes [role=treeitem][aria-expanded=true]').evaluateAll((rows) => rows.map((row) => row.ariaLabel));
  }

  for (let i = 0; i < 12; ++i) await page.locator('#expand').click();
  seen.open = await labels(page);
  await page.locator('#pass').selectOption('joint', {timeout: 500}).catch(() => {});
  seen.joint = await page.locator('.node').evaluateAll((nodes) => nodes.map((node) => node.dataset.key));
  seen.heights = Object.fromEntries(await page.locator('.node').evaluateAll((nodes) => nodes.map(
      (node) => [node.dataset.key, Number(node.getAttribute('transform').match(/ (\S+)\)/)[1])])));
  seen.links = await page.locator('.link[data-from]').evaluateAll(
      (links) => links.map((link) => `${link.dataset.from} ${link.dataset.to}`));

  await page.keyboard.press('/');
  await page.keyboard.type('matmul');
  seen.hits = await page.locator('#hits [role=option]').allTextContents();
  seen.whileTyping = await selected(page);
  await page.keyboard.press('Enter');
  seen.found = await selected(page);
  seen.details = await page.locator('#details').innerText();
  await page.keyboard.press('/');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  seen.foundNext = await selected(page);
  seen.address = await page.evaluate(() => location.hash);
  await page.evaluate(() => { location.hash = '#n3'; });
  seen.byAddress = await selected(page);
  await page.locator('#canvas').focus();
  await page.keyboard.press('?');
  seen.keys = await page.locator('#keys').innerText();
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowDown');
  seen.walked = await selected(page);
  seen.focused = await page.evaluate(() => document.activeElement.dataset?.key);
  await page.locator(`.node[data-key="${seen.walked}"]`).hover();
  seen.twin = await page.locator('.node.twin').getAttribute('data-key', {timeout: 500}).catch(() => null);
  seen.way = await page.locator('.link.way').evaluateAll((links) => links.map((link) => `${link.dataset.from} ${link.dataset.to}`));
  await page.keyboard.press('t');
  seen.wentToTwin = await selected(page);

  const shown = (id) => page.locator(id).isVisible();
  const view = () => page.locator('#minimap .view').evaluate((rect) => ['x', 'y'].map((name) => Number(rect.getAttribute(name))));
  await page.keyboard.press('0');
  seen.minimapOfAll = await shown('#minimap');
  for (let i = 0; i < 6; ++i) await page.keyboard.press('+');
  seen.minimap = await shown('#minimap');
  if (seen.minimap) {
    const {width, height} = await page.locator('#minimap').boundingBox();
    await page.locator('#minimap').click({position: {x: width - 4, y: height - 4}});
    seen.lowerRight = await view();
    await page.locator('#minimap').click({position: {x: 4, y: 4}});
    seen.upperLeft = await view();
  }
  await page.keyboard.press('0');
  seen.memory = await page.locator('#memory figcaption').textContent();
  if (await shown('#memory')) {
    const {width} = await page.locator('#memory svg').boundingBox();
    await page.locator('#memory svg').hover({position: {x: width - 2, y: 20}});
    seen.memoryAtEnd = await page.locator('#memory figcaption').textContent();
    await page.locator('#memory svg').click({position: {x: 2, y: 20}});
    seen.memoryChose = await selected(page);
  }

  seen.overlays = {};
  for (const name of await page.locator('#overlay option').evaluateAll((all) => all.map((option) => option.value))) {
    await page.locator('#overlay').selectOption(name);
    seen.overlays[name] = {legend: await page.locator('#legend text').allTextContents(), labels: await labels(page)};
  }
  await page.locator('#overlay').selectOption('none');

  await page.locator('#canvas').focus();
  await page.keyboard.press('m');
  await page.waitForFunction(() => document.getElementById('status').textContent.startsWith('Copied'));
  seen.mermaid = await page.evaluate(() => navigator.clipboard.readText());
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#svg').click()]);
  seen.svg = readFileSync(await download.path(), 'utf8');
  seen.svgIsXml = await page.evaluate(
      (text) => !new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror'), seen.svg);

  for (let i = 0; i < 12; ++i) await page.locator('#collapse').click();
  seen.closed = await labels(page);
  const scope = page.locator('.node[aria-label*="closed scope"]').first();
  if (await scope.count()) {
    await scope.focus();
    await page.keyboard.press('Enter');
    seen.opened = await labels(page);
  }

  await page.locator('#as-table').click();
  seen.rows = await page.locator('#nodes tbody tr:has(td)').count();
  seen.rowsOf = Number((await page.locator('#nodes caption').textContent()).replace(/\D/g, ''));
  seen.pictureHidden = !await page.locator('#picture').isVisible();
}

async function takePictures() {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 400]) {
      const page = await open({colorScheme, viewport: {width, height: 800}});
      await page.screenshot({path: join(pictures, `${colorScheme}-${width}.png`)});
      if (await page.locator('#pass option[value=joint]').count()) await page.locator('#pass').selectOption('joint');
      const overlays = await page.locator('#overlay option').evaluateAll((all) => all.map((option) => option.value));
      await page.locator('#overlay').selectOption(overlays.at(1) ?? 'none');
      await page.locator('.node').nth(2).focus();
      await page.screenshot({path: join(pictures, `${colorScheme}-${width}-joint.png`), fullPage: width < 500});
      await page.context().close();
    }
  }
}

const page = await open({viewport: {width: 1280, height: 800}});
const start = Date.now();
await use(page);
seen.milliseconds = Date.now() - start;

const plain = await open({javaScriptEnabled: false, viewport: {width: 1280, height: 800}});
seen.withoutScript = {
  table: await plain.locator('#table table').first().isVisible(),
  controls: await plain.locator('#controls').isVisible(),
  rows: await plain.locator('#table tbody tr:has(td)').allTextContents(),
};
if (pictures) await takePictures();
await browser.close();
writeFileSync(resultFile, JSON.stringify(seen, null, 1));
