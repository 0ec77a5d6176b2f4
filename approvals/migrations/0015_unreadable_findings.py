from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0014_on_their_way'),
    ]

    operations = [
        migrations.AlterField(
            model_name='finding',
            name='kind',
            field=models.CharField(choices=[('ours_alone', 'Ours without theirs'), ('theirs_alone', 'Theirs without ours'), ('amounts_differ', 'Amounts differ'), ('failed_afterwards', 'Failed afterwards'), ('unreadable', 'Cannot be read')], max_length=20),
        ),
    ]
