import { describe, expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

describe('the configuration of the local cluster', () => {
  test('has defaults below the working directory and the home directory', () => {
    const config = readConfig({ HOME: '/home/ada' }, '/project');
    expect(config.clusterDirectory).toBe('/project/.cluster');
    expect(config.cacheDirectory).toBe('/home/ada/.cache/archpolicy');
    expect(config.assetsDirectory).toBeUndefined();
  });

  test('takes CLUSTER_DIR relative to the working directory', () => {
    expect(readConfig({ HOME: '/h', CLUSTER_DIR: 'other' }, '/project').clusterDirectory).toBe('/project/other');
  });

  test('passes on ARCHPOLICY_* and no other variable', () => {
    const { archPolicy } = readConfig({ HOME: '/h', ARCHPOLICY_LOG_LEVEL: 'debug', SECRET: 'x' }, '/');
    expect(archPolicy).toEqual({ ARCHPOLICY_LOG_LEVEL: 'debug' });
  });

  test.each([
    [{ CLUSTER_DIR: '' }, 'CLUSTER_DIR is empty: unset it or name a directory'],
    [{ KUBEBUILDER_ASSETS: 'bin' }, 'KUBEBUILDER_ASSETS is "bin": it must be an absolute path'],
    [{ XDG_CACHE_HOME: './cache' }, 'XDG_CACHE_HOME is "./cache": it must be an absolute path'],
  ])('rejects %j with an error that names the variable', (environment, message) => {
    expect(() => readConfig({ HOME: '/h', ...environment }, '/')).toThrow(
      expect.objectContaining({ code: 'Config', message }),
    );
  });
});
