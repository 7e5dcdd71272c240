import { ROOT } from '../run.ts';

/** The generated page. */
export const PAGE = `${ROOT}docs/reliability/README.md`;
