import type { JobDetails } from '../../../src/api/types.ts';
import { apiUrl, call, post } from '../api/client.ts';
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

/** Gives a dead letter the name back under which it failed. */
export function redrive(job: JobDetails, reload: () => void): void {
  void attempt(`The job is pending as ${job.source?.name}`, async () => {
    await post(`jobs/${job.id}/actions/redrive`);
    reload();
  });
}

/** Lets jobs of the group of a job start again. */
export function resumeGroup({ name, group }: JobDetails, reload: () => void): void {
  void attempt(`The group ${group} goes on`, async () => {
    await call('PATCH', apiUrl('groups'), { body: { name, group, paused: false } });
    reload();
  });
}
