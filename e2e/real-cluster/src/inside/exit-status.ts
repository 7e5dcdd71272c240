/** Exit status of the supervisor if the process that started it ended before it released the cluster. */
export const ABANDONED_STATUS = 75;
