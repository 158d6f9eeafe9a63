import { useState } from 'react';
import { graphql, useFragment } from 'react-relay';
import { UserForm } from './UserForm.jsx';

const fragment = graphql`
  fragment UserRow_user on User {
    name
    email
    active
    ...UserForm_user
  }
`;

export function UserRow({ user }) {
  const row = useFragment(fragment, user);
  const [editing, setEditing] = useState(false);

  return (
    <li>
      <strong>{row.name}</strong>
      <span className="email">{row.email}</span>
      {!row.active && <span className="inactive">inactive</span>}
      <button onClick={() => setEditing(true)} aria-label={`Edit ${row.name}`}>
        Edit
      </button>
      {editing && <UserForm user={row} onClose={() => setEditing(false)} />}
    </li>
  );
}
