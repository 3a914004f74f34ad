from typing import Any

from django.db import migrations, models
from django.db.models import Count

from users.models import AsciiLower


class RecomputeField(migrations.AlterField):
    """Give a generated column another expression, which Django alone cannot do; the new one fits both versions."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Compute the column anew, with its indexes and constraints. SQLite knows ASCII alone."""
        old, new = (state.apps.get_model(app_label, self.model_name) for state in (from_state, to_state))
        field = new._meta.get_field(self.name)
        if schema_editor.connection.vendor == "mysql":
            # One statement, so that the version that still serves never misses the column.
            definition, params = schema_editor.column_sql(new, field)
            table, column = map(schema_editor.quote_name, (new._meta.db_table, field.column))
            schema_editor.execute(f"ALTER TABLE {table} MODIFY {column} {definition}", params)
        elif schema_editor.connection.vendor == "postgresql":
            schema_editor.remove_field(old, old._meta.get_field(self.name))
            schema_editor.add_field(new, field)
            for index in new._meta.indexes:
                if self.name in index.fields:
                    schema_editor.add_index(new, index)
            for constraint in new._meta.constraints:
                if self.name in constraint.fields:
                    schema_editor.add_constraint(new, constraint)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Compute the column by the former expression."""
        self.database_forwards(app_label, schema_editor, from_state, to_state)


def refuse_duplicates(apps: Any, schema_editor: Any) -> None:
    """Stop before anything is changed if usernames or verified emails differ in case alone."""
    everyone = apps.get_model("users", "User").objects.using(schema_editor.connection.alias).order_by()
    for field, rows in (("username", everyone), ("email", everyone.filter(is_email_verified=True))):
        grouped = rows.annotate(key=AsciiLower(field)).values("key").annotate(count=Count("id"))
        keys = sorted(grouped.filter(count__gt=1).values_list("key", flat=True)[:10])
        if keys:
            raise RuntimeError(f"Accounts whose {field} differs in case alone: {', '.join(keys)}. Change all but one.")


class Migration(migrations.Migration):
    dependencies = [("users", "0003_mail")]

    operations = [
        migrations.RunPython(refuse_duplicates, migrations.RunPython.noop),
        migrations.AddIndex("user", models.Index(fields=["email_key"], name="user_by_email")),
        migrations.RemoveConstraint("user", "user_email_key"),
        RecomputeField(
            "user",
            "username_key",
            models.GeneratedField(
                expression=AsciiLower("username"), output_field=models.CharField(max_length=150), db_persist=True
            ),
        ),
        RecomputeField(
            "user",
            "email_key",
            models.GeneratedField(
                expression=AsciiLower("email"), output_field=models.CharField(max_length=254), db_persist=True
            ),
        ),
        RecomputeField(
            "proof",
            "address_key",
            models.GeneratedField(
                expression=AsciiLower("address"), output_field=models.CharField(max_length=254), db_persist=True
            ),
        ),
        migrations.AddField(
            "user",
            "verified_email_key",
            models.GeneratedField(
                expression=models.Case(
                    models.When(is_email_verified=True, then=AsciiLower("email")), default=None
                ),
                output_field=models.CharField(max_length=254, null=True),
                db_persist=True,
            ),
        ),
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                fields=["verified_email_key"],
                name="user_verified_email",
                violation_error_message="Another account has this email.",
            ),
        ),
    ]
