const FIELDS = { name: 'Name', email: 'E-mail', active: 'Active' };

/** The version that another user saved while the form was open, beside the values in the form. */
export function Conflict({ mine, theirs, onReload, onMerge }) {
  return (
    <section role="alert" className="conflict">
      <p>Somebody else has changed this user since you opened it.</p>
      <table>
        <thead>
          <tr>
            <td />
            <th>Theirs</th>
            <th>Yours</th>
          </tr>
        </thead>
        <tbody>
          {Object.keys(FIELDS)
            .filter(field => mine[field] !== theirs[field])
            .map(field => (
              <tr key={field}>
                <th>{FIELDS[field]}</th>
                <td>{show(theirs[field])}</td>
                <td>{show(mine[field])}</td>
              </tr>
            ))}
        </tbody>
      </table>
      <button type="button" onClick={onReload}>
        Take theirs
      </button>
      <button type="button" onClick={onMerge}>
        Merge
      </button>
    </section>
  );
}

/** Theirs, with the fields that the form has changed. */
export function merge(read, mine, theirs) {
  const changed = Object.keys(FIELDS).filter(field => mine[field] !== read[field]);
  return { ...theirs, ...Object.fromEntries(changed.map(field => [field, mine[field]])) };
}

const show = value => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : value);
