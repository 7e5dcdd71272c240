/** One DNS label of a host in which `*` stands for any run of characters, split at each `*`. */
export interface LabelGlob {
  readonly head: string;
  /** The non-empty texts between the wildcards. */
  readonly middles: readonly string[];
  readonly tail: string;
  readonly wildcards: number;
  /** The number of characters other than `*`. A label that matches is at least as long. */
  readonly literalLength: number;
}

/** @param text a label without consecutive `*` */
export function parseLabelGlob(text: string): LabelGlob {
  const [head = '', ...rest] = text.split('*');
  const wildcards = rest.length;
  return {
    head,
    middles: rest.slice(0, -1),
    tail: rest.at(-1) ?? '',
    wildcards,
    literalLength: text.length - wildcards,
  };
}

/** Whether a DNS label matches. A glob matches within one label, so `*.corp.io` does not match `registry.corp.io.attacker.tld`. */
export function matchesLabel({ head, middles, tail, wildcards, literalLength }: LabelGlob, label: string): boolean {
  if (wildcards === 0) return label === head;
  if (label.length < literalLength || !label.startsWith(head) || !label.endsWith(tail)) return false;
  const end = label.length - tail.length;
  let from = head.length;
  for (const middle of middles) {
    const found = label.indexOf(middle, from);
    if (found < 0 || found + middle.length > end) return false;
    from = found + middle.length;
  }
  return true;
}
