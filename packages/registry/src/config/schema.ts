import { isRegistryHost } from '@archpolicy/core';
import { z } from 'zod';
import { parseNat64Prefix } from '../address-guard/nat64.ts';
import { parseRange } from '../address-guard/ranges.ts';
import { parseProxyUrl } from './proxy-url.ts';

/**
 * Maximum number of entries, more than a configuration needs. Bounds the memory if a broken generator wrote the file.
 */
const MAX_REGISTRIES = 1_000;
const MAX_RULES = 100;

const hostPattern = z
  .string()
  .max(300)
  .refine((text) => isRegistryHost(text.replace(/:\*$/, '').replace(/^\*\./, 'any.')), {
    message: 'expected host, host:port, host:* (any port) or *.domain',
  })
  .describe('Host as written in image references: `docker.io`, `registry.corp:5000`, `127.0.0.1:*`, `*.corp.example`.');

const mirrorHost = z.string().max(300).refine(isRegistryHost, { message: 'expected host or host:port' });

const range = z
  .string()
  .max(50)
  .refine((text) => parseRange(text) !== undefined, { message: 'expected a range such as 10.0.0.0/8' });

const nat64Prefix = z
  .string()
  .max(50)
  .refine((text) => parseNat64Prefix(text) !== undefined, {
    message: 'expected an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as 2001:db8:64::/96',
  });

const path = z.string().min(1).max(4096);

/** Requires a scheme: without one, `None` or `direct` would be the host of a proxy. */
const proxy = z.string().transform((text, context) => {
  const parsed = text === 'none' ? text : /^https?:/i.test(text) ? parseProxyUrl(text) : undefined;
  if (parsed !== undefined) return parsed;
  const message = 'expected none, or the URL of an HTTP proxy without a path, such as http://proxy.corp.example:3128';
  context.issues.push({ code: 'custom', message, input: '' });
  return z.NEVER;
});

const rewrite = z
  .strictObject({
    from: z.string().max(255).describe('Leading path of the repository; empty matches every repository.'),
    to: z.string().max(255).describe('Replacement of the leading path.'),
  })
  .describe('The first rule whose `from` is the leading path applies.');

const mirror = z.strictObject({
  host: mirrorHost.describe('Gets requests before the registry itself. The settings of its own entry apply.'),
  rewrite: z.array(rewrite).max(MAX_RULES).default([]),
});

const requestLimit = z.strictObject({
  perSecond: z
    .number()
    .positive()
    .max(100_000)
    .describe('Average requests per second, over all replicas that share a Redis.'),
  burst: z.number().int().positive().max(100_000).describe('Requests that may be sent immediately.'),
});

const registry = z.strictObject({
  host: hostPattern,
  blocked: z.boolean().default(false).describe('Never connect: images of this registry remain unresolved (`Blocked`).'),
  plainHttp: z.boolean().default(false).describe('HTTP instead of HTTPS.'),
  allowAddresses: z
    .array(range)
    .max(MAX_RULES)
    .default([])
    .describe('Ranges allowed for this host although the address guard refuses them.'),
  caFile: path.optional().describe('PEM bundle trusted for this host instead of the system one.'),
  clientCertificate: z.strictObject({ certFile: path, keyFile: path }).optional(),
  shared: z
    .boolean()
    .optional()
    .describe(
      'Whether clusters with the same Redis share what is stored about this host. By default, they share it for public names only.',
    ),
  proxy: proxy
    .optional()
    .describe(
      'The HTTP proxy of this host, or `none`. By default, the proxy of the environment, unless NO_PROXY applies.',
    ),
  credentialsFile: path.optional().describe('A docker config file (a mounted Secret) with credentials for this host.'),
  requestLimit: requestLimit.optional(),
  mirrors: z.array(mirror).max(MAX_RULES).default([]),
  rewrite: z.array(rewrite).max(MAX_RULES).default([]),
});

/** Rejects a second entry of a host, which would have no effect, even if it blocked the host. */
function rejectDuplicates(entries: readonly { readonly host: string }[], context: z.RefinementCtx): void {
  const first = new Map<string, number>();
  for (const [index, { host }] of entries.entries()) {
    const other = first.get(host.toLowerCase());
    if (other === undefined) first.set(host.toLowerCase(), index);
    else
      context.addIssue({
        code: 'custom',
        path: [index, 'host'],
        message: `the host of registries.${other}, too: merge the entries`,
      });
  }
}

/** The schema of the registries file. It defines the type, and it is the parser. */
export const registriesSchema = z.strictObject({
  registries: z.array(registry).max(MAX_REGISTRIES).superRefine(rejectDuplicates).default([]),
  default: z
    .strictObject({
      blocked: z
        .boolean()
        .default(false)
        .describe('Whether images of registries without an entry stay unresolved (`Blocked`).'),
    })
    .prefault({}),
  refuseAddresses: z
    .array(range)
    .max(MAX_RULES)
    .default([])
    .describe('Address ranges that registries may not have: Pod and Service ranges.'),
  nat64Prefixes: z
    .array(nat64Prefix)
    .max(MAX_RULES)
    .default([])
    .describe('Prefixes of this network for NAT64, besides 64:ff9b::/96. The IPv4 address in an address is judged.'),
  credentialProviders: z
    .strictObject({ configFile: path, binDirectory: path })
    .optional()
    .describe(
      "The kubelet's credential-provider configuration (`CredentialProviderConfig`) and the directory of its plugins.",
    ),
  dockerConfigFile: path
    .optional()
    .describe('A docker config file whose credentials are tried last, before anonymous access.'),
});

export type RegistriesConfig = z.output<typeof registriesSchema>;
export type RegistryConfig = RegistriesConfig['registries'][number];
export type Rewrite = z.output<typeof rewrite>;
export type RequestLimit = z.output<typeof requestLimit>;
