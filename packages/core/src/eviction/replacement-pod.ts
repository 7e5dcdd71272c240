import type { PodFacts } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { toLabelMap } from '../kubernetes/labels.ts';
import { REQUIRED } from '../kubernetes/pod-spec.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';

/**
 * Builds the pod that the owner would create in place of this one, in the API's shape. Contains only the fields that
 * decide the placement, without node and status. Omits empty lists as the API server does, because earlier additions of
 * ArchPolicy are recognized only if they are unchanged.
 */
export function replacementPod(pod: PodFacts): JsonObject {
  const { namespace, name, labels, annotations, owner, generateName = name } = pod;
  return {
    metadata: {
      namespace,
      generateName,
      labels: toLabelMap(labels),
      annotations: { ...annotations },
      ...(owner !== undefined && { ownerReferences: [{ ...owner, controller: true }] }),
    },
    spec: toSpec(pod),
  };
}

function toSpec(pod: PodFacts): JsonObject {
  const { os, images, volumeImages = [], mountsClaim, nodeSelector, requiredAffinity, tolerations } = pod;
  const run = images.filter((image) => !volumeImages.includes(image));
  return {
    ...(os !== undefined && { os: { name: os } }),
    containers: run.map((image, index) => ({ name: `image-${index}`, image })),
    volumes: [
      ...volumeImages.map((reference, index) => ({ name: `volume-${index}`, image: { reference } })),
      ...(mountsClaim === true ? [{ name: 'claim', persistentVolumeClaim: { claimName: 'claim' } }] : []),
    ],
    nodeSelector,
    ...(tolerations.length > 0 && { tolerations: tolerations.map((toleration) => ({ ...toleration })) }),
    ...(requiredAffinity !== undefined && {
      affinity: { nodeAffinity: { [REQUIRED]: { nodeSelectorTerms: requiredAffinity.nodeSelectorTerms.map(toTerm) } } },
    }),
  };
}

function toTerm({ matchExpressions, matchFields }: NodeSelectorTerm): Json {
  return {
    ...(matchExpressions.length > 0 && { matchExpressions: matchExpressions.map(toRequirement) }),
    ...(matchFields.length > 0 && { matchFields: matchFields.map(toRequirement) }),
  };
}

function toRequirement({ key, operator, values }: NodeSelectorRequirement): Json {
  return { key, operator, ...(values.length > 0 && { values }) };
}
