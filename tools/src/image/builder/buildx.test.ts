import { describe, expect, test } from '@jest/globals';
import { buildxArguments, hasExporter } from './buildx.ts';

describe('docker buildx', () => {
  test('builds all platforms into one layout without attestations, which contain the time', () => {
    const args = buildxArguments({
      dockerfile: '/checkout/deploy/Dockerfile',
      context: '/context',
      base: 'debian',
      version: '1.2.3',
      commit: { hash: 'abcdef0', time: 5 },
      platforms: ['linux/amd64', 'linux/arm64'],
      layout: '/layout',
      scratch: '/scratch',
    });
    expect(args.join(' ')).toBe(
      'buildx build --platform linux/amd64,linux/arm64 --provenance=false --sbom=false ' +
        '--build-arg BASE=debian --build-arg VERSION=1.2.3 --build-arg COMMIT=abcdef0 ' +
        '--file /checkout/deploy/Dockerfile ' +
        '--output type=oci,dest=/layout,tar=false,name=archpolicy:1.2.3,rewrite-timestamp=true /context',
    );
  });

  test.each([
    ['docker-container', '', true],
    ['kubernetes', '', true],
    ['docker', '', false],
    ['docker-container', 'Error:         cannot connect to the daemon\n', false],
  ])('with the driver %s %s is used: %p', (driver, error, expected) => {
    const inspection = `Name:          default\nDriver:        ${driver}\n\nNodes:\nName:      default\n${error}Status:    running\n`;
    expect(hasExporter(inspection)).toBe(expected);
  });

  test('without a driver is not used', () => {
    expect(hasExporter('')).toBe(false);
  });
});
