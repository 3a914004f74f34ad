from django.db import migrations, models
from django.conf import settings
import django.db.models.deletion


class Migration(migrations.Migration):
    """Renames the model only. The table keeps its name, so that two versions can run side by side."""

    dependencies = [("users", "0004_verified_email")]

    operations = [
        migrations.AlterModelTable("proof", "users_proof"),
        migrations.RenameModel("Proof", "EmailToken"),
        migrations.AlterField(
            "emailtoken",
            "user",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="email_tokens", to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
