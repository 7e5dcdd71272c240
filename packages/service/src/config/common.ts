import {
  address,
  cacheKey,
  commit,
  logLevel,
  namespaceName,
  noProxy,
  path,
  proxyUrl,
  redisUrl,
  secretName,
} from './schemas.ts';
import { optionalVariable, variable } from './variable.ts';

/** The variables of every process (docs/architecture.md, Seams). */
export const commonVariables = {
  kubeconfig: optionalVariable({
    name: 'ARCHPOLICY_KUBECONFIG',
    description: 'kubeconfig file; without it, the in-cluster account',
    example: '/home/me/.kube/config',
    schema: path,
  }),
  namespace: variable({
    name: 'ARCHPOLICY_NAMESPACE',
    description: 'namespace of the Leases',
    example: 'archpolicy-system',
    default: 'archpolicy-system',
    schema: namespaceName,
  }),
  logLevel: variable({
    name: 'ARCHPOLICY_LOG_LEVEL',
    description: 'debug, info, warn or error',
    example: 'info',
    default: 'info',
    schema: logLevel,
  }),
  metricsAddress: variable({
    name: 'ARCHPOLICY_METRICS_ADDRESS',
    description: 'host:port of /metrics, /healthz and /readyz',
    example: '127.0.0.1:9090',
    default: ':9090',
    schema: address,
  }),
  probesAddress: optionalVariable({
    name: 'ARCHPOLICY_PROBES_ADDRESS',
    description: 'host:port of a second server of /healthz and /readyz, for the kubelet alone',
    example: ':9091',
    schema: address,
  }),
  registriesFile: optionalVariable({
    name: 'ARCHPOLICY_REGISTRIES_FILE',
    description: 'the registries file',
    example: '/etc/archpolicy/registries.yaml',
    schema: path,
  }),
  httpsProxy: optionalVariable({
    name: 'HTTPS_PROXY',
    otherName: 'https_proxy',
    description: 'proxy for registries with HTTPS',
    example: 'http://proxy.corp.example:3128',
    secret: true,
    schema: proxyUrl,
  }),
  httpProxy: optionalVariable({
    name: 'HTTP_PROXY',
    otherName: 'http_proxy',
    description: 'proxy for registries with plain HTTP',
    example: 'http://proxy.corp.example:3128',
    secret: true,
    schema: proxyUrl,
  }),
  noProxy: optionalVariable({
    name: 'NO_PROXY',
    otherName: 'no_proxy',
    description: 'hosts, domains and ranges of registries that are reached without a proxy',
    example: '10.96.0.0/12,.svc,.corp.example',
    schema: noProxy,
  }),
  redisUrl: optionalVariable({
    name: 'ARCHPOLICY_REDIS_URL',
    description: 'shared cache; without it, memory only',
    example: 'redis://redis.archpolicy-system:6379',
    secret: true,
    schema: redisUrl,
  }),
  cacheKey: optionalVariable({
    name: 'ARCHPOLICY_CACHE_KEY',
    description:
      'secret of 32 characters or more that encrypts what is in the shared cache; the same in all processes that share it',
    example: '$(openssl rand -base64 32)',
    secret: true,
    schema: cacheKey,
  }),
  cacheSecret: optionalVariable({
    name: 'ARCHPOLICY_CACHE_SECRET',
    description:
      'Secret of the own namespace with the cache key (cache-key) and the password (redis-password), unless the two other variables contain them',
    example: 'archpolicy-cache',
    schema: secretName,
  }),
  commit: variable({
    name: 'ARCHPOLICY_COMMIT',
    description: 'commit of the build, for --version and archpolicy_build_info; set in the image',
    example: '1f3870be274f6c49b3e31a0c6728957f1f3870be',
    default: 'unknown',
    schema: commit,
  }),
} as const;
