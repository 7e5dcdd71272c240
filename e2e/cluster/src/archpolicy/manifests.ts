import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';

const objectSchema = z.looseObject({ kind: z.string() });
const webhookConfigurationSchema = z.looseObject({
  kind: z.literal('MutatingWebhookConfiguration'),
  webhooks: z.array(z.looseObject({ clientConfig: z.unknown() })),
});

export interface Manifests {
  /** Objects that can be applied before the webhook runs. */
  readonly base: string;
  /** Webhook configurations, which need the address of the running webhook. */
  readonly webhookConfigurations: string;
}

/** Splits the output of kustomize into webhook configurations and other objects. */
export function splitManifests(rendered: string): Manifests {
  const objects = parseObjects(rendered);
  const isConfiguration = ({ kind }: { readonly kind: string }): boolean => kind === 'MutatingWebhookConfiguration';
  return {
    base: join(objects.filter((object) => !isConfiguration(object))),
    webhookConfigurations: join(objects.filter(isConfiguration)),
  };
}

/** Sets the URL and the CA of every webhook in the configurations. */
export function withAddress(configurations: string, url: string, authority: string): string {
  const caBundle = Buffer.from(authority).toString('base64');
  return join(
    parseObjects(configurations).map((object) => {
      const configuration = webhookConfigurationSchema.parse(object);
      const webhooks = configuration.webhooks.map((webhook) => ({ ...webhook, clientConfig: { url, caBundle } }));
      return { ...configuration, webhooks };
    }),
  );
}

function parseObjects(text: string): readonly z.infer<typeof objectSchema>[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null)
    .map((value) => objectSchema.parse(value));
}

function join(objects: readonly unknown[]): string {
  return objects.map((object): string => stringify(object)).join('---\n');
}
