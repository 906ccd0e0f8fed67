import type { JobDetails } from '../../../src/api/types.ts';
import { post } from '../api/client.ts';
import { attempt } from '../ui/toast.tsx';

/** The dialogs of the page of a job. */
export type OpenDialog = 'cancel' | 'move' | 'delete' | 'metadata' | 'gate' | 'clone' | undefined;

/** What the parts of that page need to act. */
export interface ActionsProps {
  readonly job: JobDetails;
  open(dialog: OpenDialog): void;
  reload(): void;
}

/** Makes a failed or cancelled job pending again. */
export function retry(job: JobDetails, reload: () => void): void {
  void attempt('The job is pending again', async () => {
    await post(`jobs/${job.id}/actions/retry`);
    reload();
  });
}
