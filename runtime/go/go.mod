module mmoe

go 1.19
