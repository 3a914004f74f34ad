from typing import Any

from django.db import migrations, models
from django.db.models import F


def give_places(apps: Any, schema_editor: Any) -> None:
    """The key that an algorithm had signs on."""
    apps.get_model("users", "SigningKey").objects.update(place="current", signs_from=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="signingkey",
            name="place",
            field=models.CharField(choices=[("next", "Next"), ("current", "Current")], max_length=7, null=True),
        ),
        migrations.AddField(model_name="signingkey", name="signs_from", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="signingkey", name="ends_at", field=models.DateTimeField(null=True)),
        migrations.AlterField(model_name="signingkey", name="algorithm", field=models.CharField(max_length=10)),
        migrations.RunPython(give_places, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(fields=("algorithm", "place"), name="signing_key_place"),
        ),
    ]
