// Says that a run has made more clips since the page was opened.

import { versionOf, type Bundle } from '../bundle/bundle.ts';
import { runSeen } from '../state/run.ts';

export function NewClips({ bundle }: { bundle: Bundle }) {
  const version = versionOf(bundle);
  const now = runSeen.value?.bundle;
  if (version === undefined || now === undefined || now === version) return null;
  return (
    <p class="message news" role="status">
      The run has made more clips.
      <button type="button" onClick={() => location.reload()}>
        Show them
      </button>
    </p>
  );
}
