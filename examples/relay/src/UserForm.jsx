import { useEffect, useRef, useState } from 'react';
import { fetchQuery, graphql, useFragment, useMutation, useRelayEnvironment } from 'react-relay';
import { Conflict, merge } from './Conflict.jsx';

const fragment = graphql`
  fragment UserForm_user on User {
    id
    name
    email
    active
    version
  }
`;

const mutation = graphql`
  mutation UserFormMutation($id: ID!, $name: String!, $email: String!, $active: Boolean!, $ifVersion: Int!) {
    updateUser(id: $id, name: $name, email: $email, active: $active, ifVersion: $ifVersion) {
      user {
        ...UserRow_user
      }
      errors {
        code
        path
        message
      }
    }
  }
`;

const query = graphql`
  query UserFormQuery($id: ID!) {
    user(id: $id) {
      ...UserForm_user
    }
  }
`;

const TEXTS = { name: 'Name', email: 'E-mail address' };

/** Saves only if the user is still as it was when the form was opened. `current` changes with the feed, `read` does not. */
export function UserForm({ user, onClose }) {
  const environment = useRelayEnvironment();
  const current = useFragment(fragment, user);
  const [read, setRead] = useState(current);
  const [mine, setMine] = useState(current);
  const [errors, setErrors] = useState([]);
  const [commit, saving] = useMutation(mutation);
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);

  function save(event) {
    event.preventDefault();
    const { id, name, email, active } = mine;
    commit({
      variables: { id, name, email, active, ifVersion: read.version },
      onCompleted: ({ updateUser }) => (updateUser.user ? dialog.current?.close() : showErrors(updateUser.errors)),
      onError: showFailure,
    });
  }

  /** A conflict is shown once `current` is the version that the other user saved. The feed may deliver it later. */
  async function showErrors(rejected) {
    try {
      if (isStale(rejected)) {
        await fetchQuery(environment, query, { id: read.id }).toPromise();
      }
      setErrors(rejected);
    } catch (error) {
      showFailure(error);
    }
  }

  const showFailure = ({ message }) => setErrors([{ code: 'FAILED', path: [], message }]);

  function startFrom(values) {
    setRead(current);
    setMine(values);
    setErrors([]);
  }

  const change = ({ target }) =>
    setMine({ ...mine, [target.name]: target.type === 'checkbox' ? target.checked : target.value });
  const messageOf = field => errors.find(({ path }) => path[0] === field)?.message;

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="title">
      <form onSubmit={save}>
        <h2 id="title">{read.name}</h2>
        {Object.entries(TEXTS).map(([field, label]) => (
          <label key={field}>
            {label}
            <input name={field} value={mine[field]} onChange={change} aria-invalid={Boolean(messageOf(field))} />
            <span role="alert">{messageOf(field)}</span>
          </label>
        ))}
        <label className="checkbox">
          <input name="active" type="checkbox" checked={mine.active} onChange={change} />
          Active
        </label>
        {isStale(errors) ? (
          <Conflict
            mine={mine}
            theirs={current}
            onReload={() => startFrom(current)}
            onMerge={() => startFrom(merge(read, mine, current))}
          />
        ) : (
          <p role="alert">{errors.find(({ path }) => !(path[0] in TEXTS))?.message}</p>
        )}
        <footer>
          <button type="button" onClick={() => dialog.current.close()}>
            Cancel
          </button>
          <button className="primary" disabled={saving || isStale(errors)}>
            Save
          </button>
        </footer>
      </form>
    </dialog>
  );
}

const isStale = errors => errors.some(({ code }) => code === 'STALE');
