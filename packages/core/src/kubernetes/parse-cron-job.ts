import type { Json, JsonObject } from '../json/json.ts';
import { readPodLabels } from './labels.ts';
import type { PodLabels } from './labels.ts';
import { podImages, pullSecretNames } from './pod-spec.ts';
import { objectAt, textAt } from '../json/read.ts';
import { withoutUndefined } from '../without-undefined.ts';

/** A CronJob, as far as the images of its next pods are of interest. */
export interface CronJobFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly suspended: boolean;
  /** Of its pods. */
  readonly podLabels: PodLabels;
  readonly images: readonly string[];
  /** `imagePullSecrets` and `serviceAccountName` of its pods’ spec: who asks for their images. */
  readonly puller: JsonObject;
}

/** What is kept of a CronJob; undefined for what the API server would not have stored. */
export function parseCronJob(raw: JsonObject): CronJobFacts | undefined {
  const metadata = objectAt(raw, 'metadata');
  const [namespace, name, uid] = ['namespace', 'name', 'uid'].map((key) => textAt(metadata, key));
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const spec = objectAt(raw, 'spec');
  const template = objectAt(objectAt(objectAt(spec, 'jobTemplate'), 'spec'), 'template');
  const podSpec = objectAt(template, 'spec');
  return {
    namespace,
    name,
    uid,
    suspended: spec['suspend'] === true,
    podLabels: readPodLabels(template),
    images: podImages(podSpec),
    puller: readPuller(podSpec),
  };
}

function readPuller(podSpec: JsonObject): JsonObject {
  const imagePullSecrets: Json = pullSecretNames(podSpec).map((name) => ({ name }));
  return withoutUndefined({ imagePullSecrets, serviceAccountName: textAt(podSpec, 'serviceAccountName') });
}
