import { lifecycle } from 'virtual:lifecycle';

/** Every row of the table: what the picture shows, in words, with the conditions of each move. */
export function Transitions() {
  return (
    <details>
      <summary class="hint">Every move and its conditions</summary>
      <section class="table-wrap" aria-label="Moves" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Move</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Conditions</th>
            </tr>
          </thead>
          <tbody>
            {lifecycle.rows.map(({ verb, from, to, guards }) => (
              <tr key={verb}>
                <td class="mono">{verb}</td>
                <td>{from.join(', ') || 'new'}</td>
                <td>{lifecycle.states.includes(to) || to === 'gone' ? to : 'as it was'}</td>
                <td class="quiet">{guards.join('; ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="hint">
        A way is lit as far as it is on record: with the option transitionLog all of it, else what
        failed and what was done manually.
      </p>
    </details>
  );
}
