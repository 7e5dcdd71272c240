import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { fixedRegistries } from '../config/registries-file.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import { createInspector } from '../create-inspector.ts';
import { ScriptedHosts } from '../fixtures/scripted-hosts.ts';
import { mirrorDeadlineMs, WORK_DEADLINE_MS } from './deadlines.ts';
import type { Inspector } from './inspector.ts';

interface Rig {
  readonly clock: FakeClock;
  readonly hosts: ScriptedHosts;
  readonly inspector: Inspector;
}

/** Creates an inspector for docker.io with these mirrors. */
function createRig(mirrors: readonly string[]): Rig {
  const clock = new FakeClock();
  const hosts = new ScriptedHosts();
  const list = mirrors.map((host) => `{host: ${host}}`).join(', ');
  const registries = fixedRegistries(
    new Registries(parseRegistries(`registries: [{host: docker.io, mirrors: [${list}]}]`)),
  );
  return { clock, hosts, inspector: createInspector({ clock, registries, sender: hosts }) };
}

/** Inspects an image. Returns the outcome, and the seconds that it took. */
async function inspect({ clock, inspector }: Rig, name: string): Promise<readonly [outcome: string, seconds: number]> {
  const startMs = clock.monotonic();
  let outcome: string | undefined;
  void inspector.inspect({ reference: `${name}:v1`, budgetMs: 60_000 }).then((inspection) => {
    outcome = inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
  });
  do await clock.advance(100);
  while (outcome === undefined && clock.monotonic() - startMs < 60_000);
  return [outcome ?? 'pending', Math.round((clock.monotonic() - startMs) / 1000)];
}

describe('I7 a mirror that does not answer', () => {
  test('I7 a hanging mirror leads to upstream in the same inspection', async () => {
    const rig = createRig(['silent.example']);
    expect(await inspect(rig, 'nginx')).toEqual(['resolved', 4]);
    expect(rig.hosts.requests).toEqual([
      'silent.example /v2/library/nginx/manifests/v1',
      'docker.io /v2/library/nginx/manifests/v1',
    ]);
    await rig.inspector.close();
  });

  test.each([1, 2, 3, 4, 8])('I7 %i hanging mirrors, then upstream', async (count) => {
    const rig = createRig(Array.from({ length: count }, (_, at) => `silent-${at}.example`));
    const [outcome, seconds] = await inspect(rig, 'nginx');
    expect(outcome).toBe('resolved');
    expect(seconds).toBeLessThan(WORK_DEADLINE_MS / 1000);
    expect(rig.hosts.requests).toHaveLength(count + 1);
    await rig.inspector.close();
  });

  test('K5 after five failures the mirror is left out, until its circuit breaker tries it again', async () => {
    const rig = createRig(['silent.example']);
    const took: number[] = [];
    for (let at = 0; at < 7; at += 1) {
      const [outcome, seconds] = await inspect(rig, `app-${at}`);
      expect(outcome).toBe('resolved');
      took.push(seconds);
    }
    expect(took).toEqual([4, 4, 4, 4, 4, 0, 0]);
    await rig.inspector.close();
  });

  test('I7 the shares of all mirrors and upstream fit into the time of the work', () => {
    for (let endpoints = 1; endpoints <= 101; endpoints += 1) {
      expect(mirrorDeadlineMs(endpoints) * (endpoints - 1)).toBeLessThan(WORK_DEADLINE_MS);
    }
  });
});
