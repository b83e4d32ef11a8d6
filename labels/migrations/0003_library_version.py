import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('labels', '0002_archive_sums_later'),
    ]

    operations = [
        migrations.CreateModel(
            name='LibraryVersion',
            fields=[
                ('owner', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='library_version', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('token', models.CharField(max_length=32)),
            ],
        ),
        migrations.AlterModelOptions(
            name='photosummary',
            options={'verbose_name_plural': 'photo summaries'},
        ),
    ]
