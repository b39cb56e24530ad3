"""What a command says when it refuses."""


def of(command):
    """A function of `capsys` and a command's arguments, which must end with status 2 and one line: gives that line
    without the command's name."""
    def refused(capsys, *argv):
        assert command.main([str(each) for each in argv]) == 2
        out, err = capsys.readouterr()
        assert err.count("\n") == 1, err
        assert not out
        return err.partition(": ")[2].strip()

    return refused
