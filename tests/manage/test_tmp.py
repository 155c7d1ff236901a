import sqlalchemy as sa
from models import db
def test_a(database):
    with db.transaction() as s:
        s.execute(sa.text("insert into organisations(group_name,name) values ('a','b')"))
        assert s.scalar(sa.text("select count(*) from organisations"))==1
def test_b(database):
    with db.transaction() as s:
        assert s.scalar(sa.text("select count(*) from organisations"))==0
        print(db.engine().url)
